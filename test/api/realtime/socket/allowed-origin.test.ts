import { expect, test } from '@jest/globals';
import { isOriginAllowed } from '../../../../src/api/realtime/socket/allowed-origin.ts';

const SITE = 'https://app.example.com';
const isAllowed = (headers: Record<string, string>, trustProxy = 0, corsOrigins = [SITE]) =>
  isOriginAllowed({ headers }, { corsOrigins, trustProxy });
const host = 'chat.example.com';

test.each<[string, Record<string, string>, number, string[]?]>([
  ['a program', { host }, 0],
  ['a page of this server', { host, origin: 'https://chat.example.com' }, 0],
  ['a page of this server, where the host has its usual port', { host: `${host}:443`, origin: `https://${host}` }, 0],
  ['an allowed page', { host, origin: SITE }, 0],
  ['any page, if all are allowed', { host, origin: 'https://other.example' }, 0, ['*']],
  [
    'a page of this server behind a proxy',
    { host: 'api:3000', origin: `https://${host}`, 'x-forwarded-host': `${host}, inner` },
    1,
  ],
])('%s may connect', (_, ...[headers, trustProxy, corsOrigins]) => {
  expect(isAllowed(headers, trustProxy, corsOrigins)).toBe(true);
});

test.each<[string, Record<string, string>, number]>([
  ['a page of another site', { host, origin: 'https://evil.example' }, 0],
  ['a page of another port', { host, origin: `https://${host}:8443` }, 0],
  ['a page without an origin of its own', { host, origin: 'null' }, 0],
  ['a site whose name begins like ours', { host, origin: `https://${host}.evil.example` }, 0],
  ['no origin at all', { host, origin: '' }, 0],
  [
    'a host that only an untrusted proxy names',
    { host: 'api', origin: `https://${host}`, 'x-forwarded-host': host },
    0,
  ],
  ['a page of another site behind a proxy', { host, origin: SITE.replace('app', 'b'), 'x-forwarded-host': host }, 1],
])('%s may not connect', (_, headers, trustProxy) => {
  expect(isAllowed(headers, trustProxy)).toBe(false);
});
