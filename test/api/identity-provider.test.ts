import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { call, postJson } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

/** The keys that the identity provider publishes now. */
let keys: Record<string, KeyObject> = {};
let provider: Server;
/** How often the keys were asked for. */
let asked = 0;
let api: TestProcess;

beforeAll(async () => {
  keys = { first: newKey() };
  provider = createServer((_req, res) => {
    asked += 1;
    const jwks = Object.entries(keys).map(([kid, key]) => ({
      ...createPublicKey(key).export({ format: 'jwk' }),
      kid,
      use: 'sig',
      alg: 'RS256',
    }));
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: jwks }));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks.json`;
  api = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_JWKS_URL: url,
    JWT_ISSUER: 'https://id.example.com/',
    JWT_AUDIENCE: 'chat',
  });
});
afterAll(() => {
  provider.closeAllConnections();
  provider.close();
});

const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const token = (kid: string, key: KeyObject | string, options: jwt.SignOptions = {}) =>
  jwt.sign({ sub: 'user-of-the-platform' }, key, {
    algorithm: 'RS256',
    keyid: kid,
    issuer: 'https://id.example.com/',
    audience: 'chat',
    expiresIn: 60,
    ...options,
  });
const history = (accessToken: string) =>
  call(`${api.url}/chat/history/user-of-the-platform`, { headers: { Authorization: `Bearer ${accessToken}` } });

test('a token of the identity provider is taken, and its subject is the user', async () => {
  expect(await history(token('first', keys.first!))).toMatchObject({ status: 200, body: { items: [] } });
});

test('a new key of the provider is found by itself', async () => {
  keys = { ...keys, second: newKey() };
  expect((await history(token('second', keys.second!))).status).toBe(200);
});

test('neither a key that the provider does not have, nor its public key as a secret, opens anything', async () => {
  expect((await history(token('first', newKey()))).status).toBe(401);
  expect((await history(token('unknown', newKey()))).status).toBe(401);
  const published = createPublicKey(keys.first!).export({ type: 'spki', format: 'pem' }).toString();
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'first' })).toString('base64url');
  const [, payload] = token('first', keys.first!).split('.');
  const { createHmac } = await import('node:crypto');
  const signature = createHmac('sha256', published).update(`${header}.${payload}`).digest('base64url');
  expect((await history(`${header}.${payload}.${signature}`)).status).toBe(401);
});

test('a flood of tokens with key ids that nobody knows keeps nobody out, and asks the provider once a second', async () => {
  const good = token('first', keys.first!);
  const forged = newKey();
  const before = asked;
  const startedAt = Date.now();
  const floods = Array.from({ length: 200 }, (_, i) => history(token(`made up ${i}`, forged)));
  for (let i = 0; i < 20; i++) expect((await history(good)).status).toBe(200);
  expect(new Set((await Promise.all(floods)).map(({ status }) => status))).toEqual(new Set([401]));
  expect(asked - before).toBeLessThanOrEqual(2 + (Date.now() - startedAt) / 1_000);
});

test('the accounts of this API are switched off', async () => {
  const registered = await postJson(`${api.url}/auth/register`, { email: 'a@example.com', password: 'password123' });
  expect(registered).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const document = await call(`${api.url}/openapi.json`);
  expect(Object.keys((document.body as unknown as { paths: object }).paths)).not.toContain('/auth/login');
});

test('an admin of the provider opens the board with a token', async () => {
  const admin = jwt.sign({ sub: 'boss', role: 'admin' }, keys.first!, {
    algorithm: 'RS256',
    keyid: 'first',
    issuer: 'https://id.example.com/',
    audience: 'chat',
    expiresIn: 60,
  });
  const form = await fetch(`${api.url}/admin/login`, {
    method: 'POST',
    body: new URLSearchParams({ token: admin }),
    redirect: 'manual',
  });
  const cookie = form.headers.get('set-cookie')!.split(';')[0]!;
  expect((await fetch(`${api.url}/admin/queues/api/queues`, { headers: { Cookie: cookie } })).status).toBe(200);
});

test('a provider that is away is our fault, not the token’s', async () => {
  const gone = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_JWKS_URL: 'http://127.0.0.1:9/jwks.json',
  });
  const answer = await call(`${gone.url}/chat/session/s1`, {
    headers: { Authorization: `Bearer ${token('first', keys.first!)}` },
  });
  expect(answer).toMatchObject({ status: 503, body: { code: 'identity_unavailable' } });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});
