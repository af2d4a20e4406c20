import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { renewCertificates, SERVICES } from '../../tools/certificates/renew.ts';

const DAY_MS = 24 * 3_600_000;
const START_MS = Date.UTC(2030, 0, 1);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'healify-certificates-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const at = (days: number, force = false) => renewCertificates({ dir, force, nowMs: START_MS + days * DAY_MS });
const read = (file: string) => readFileSync(join(dir, file), 'utf8');
const certificatesIn = (file: string) =>
  read(file)
    .split(/(?<=-----END CERTIFICATE-----)/)
    .filter((pem) => pem.includes('BEGIN CERTIFICATE'))
    .map((pem) => new X509Certificate(pem));

test('each service gets a certificate for its name and for this machine, which ends after 90 days and signs nothing', async () => {
  expect(await at(0)).toEqual(['the authority', ...SERVICES]);
  const [authority] = certificatesIn('ca.pem');
  expect(authority).toMatchObject({ ca: true });
  for (const service of SERVICES) {
    const [certificate] = certificatesIn(`${service}/server.pem`);
    expect(certificate).toMatchObject({
      ca: false,
      subjectAltName: `DNS:${service}, DNS:localhost, IP Address:127.0.0.1`,
      validToDate: new Date(START_MS + 90 * DAY_MS),
    });
    expect(certificate!.checkIssued(authority!) && certificate!.verify(authority!.publicKey)).toBe(true);
    expect(certificate!.validFromDate.getTime()).toBeLessThan(START_MS);
    expect(read(`${service}/ca.pem`)).toBe(read('ca.pem'));
  }
});

test('only the owner sees the folder; services, which are other users, read what is mounted into them', async () => {
  await at(0);
  const mode = (path: string) => statSync(join(dir, path)).mode & 0o777;
  expect([mode('.'), mode('ca-key.pem'), mode('redis'), mode('redis/server.pem')]).toEqual([
    0o700, 0o600, 0o755, 0o644,
  ]);
});

test('nothing is made while it is valid for long, and each certificate is renewed 30 days before its end', async () => {
  await at(0);
  const before = read('redis/server.pem');
  expect(await at(59)).toEqual([]);
  expect(read('redis/server.pem')).toBe(before);
  expect(await at(61)).toEqual([...SERVICES]);
  expect(read('redis/server.pem')).not.toBe(before);
  expect(await at(62, true)).toEqual([...SERVICES]);
});

test('a new authority takes over before the old one ends, which stays trusted until then', async () => {
  await at(0);
  const [old] = certificatesIn('ca.pem');
  expect(await at(5 * 365 - 119)).toEqual(['the authority', ...SERVICES]);
  const [next, ...others] = certificatesIn('redis/ca.pem');
  expect(others.map(({ fingerprint256 }) => fingerprint256)).toEqual([old!.fingerprint256]);
  const [certificate] = certificatesIn('redis/server.pem');
  expect([next!, old!].map(({ publicKey }) => certificate!.verify(publicKey))).toEqual([true, false]);

  await at(5 * 365 + 1);
  expect(certificatesIn('ca.pem')).toHaveLength(1);
});

test('the command says what it made, and shows no key', () => {
  const main = join(import.meta.dirname, '../../tools/certificates/main.ts');
  const run = (...args: string[]) => execFileSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  expect(run('--help')).toContain('npm run certificates -- --renew');
  expect(run('--dir', dir)).toMatch(/new certificates of: the authority, api, worker, /);
  expect(run('--dir', dir)).toContain('valid for 30 days or longer');
});
