import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { createOpenIdProvider } from '../../../src/adapters/identity-provider/openid-provider.ts';
import { freePort } from '../../../tools/services/free-port.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Why a provider is of no use that answers like this to whoever asks what it offers. */
async function reasonAgainst(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  stops.push(() => server.close().closeAllConnections());
  await once(server, 'listening');
  return await reasonAt((server.address() as AddressInfo).port);
}

async function reasonAt(port: number): Promise<string> {
  const provider = createOpenIdProvider({
    ...{ issuer: `http://127.0.0.1:${port}/realms/clinic`, clientId: 'healify', clientSecret: undefined },
    ...{ redirectUrl: 'http://127.0.0.1/callback', scopes: ['openid'], acrValues: [], maxAgeMs: undefined },
    ...{ clockToleranceMs: 0, dispatcher: new Agent() },
  });
  return await provider.prepare().then(
    () => 'none',
    ({ reason }) => reason,
  );
}

test('why a provider is of no use is said in a way that helps to mend it', async () => {
  const port = await freePort();
  expect(await reasonAt(port)).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
  expect(await reasonAgainst((_req, res) => res.writeHead(404).end('no such realm'))).toBe('it answered 404');
  const page: RequestListener = (_req, res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>');
  expect(await reasonAgainst(page)).toContain('content-type');
  const metadata = JSON.stringify({ issuer: 'https://login.example.com/realms/other' });
  const other: RequestListener = (_req, res) =>
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(metadata);
  expect(await reasonAgainst(other)).toBe(
    'it calls itself https://login.example.com/realms/other, not as OIDC_ISSUER says',
  );
});
