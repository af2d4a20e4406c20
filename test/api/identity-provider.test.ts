import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get as forward, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, postJson } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, oddTokens, seconds, signToken } from '../sign-token.ts';
import { until } from '../until.ts';

/** The keys that the identity provider publishes now. */
let keys: Record<string, KeyObject> = {};
let provider: Server;
let providerUrl: string;
/** How often the keys were asked for. */
let asked = 0;
let api: TestProcess;

const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const unnamed = newKey();
const firstKey = newKey();

beforeAll(async () => {
  keys = { first: firstKey };
  provider = createServer((req, res) => {
    if (req.url === '/redirect') {
      res.writeHead(308, { Location: '/hop' }).end();
      return;
    }
    if (req.url === '/hop') {
      res.writeHead(302, { Location: `${providerUrl}/jwks.json` }).end();
      return;
    }
    if (req.url === '/endless') {
      res.writeHead(302, { Location: '/endless' }).end();
      return;
    }
    asked += 1;
    const jwks = Object.entries(keys).map(([kid, key]) => ({ ...publicJwk(key), kid, use: 'sig' }));
    const others = [
      // Neither key is for us. Providers publish such keys beside the ones for us.
      { kty: 'unknown', kid: 'of the future' },
      { ...publicJwk(unnamed), use: 'enc', alg: 'RSA-OAEP', kid: 'for encryption' },
      publicJwk(unnamed),
    ];
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [...jwks, ...others] }));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  providerUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  api = await startApiOfProvider();
});
afterAll(() => {
  provider.closeAllConnections();
  provider.close();
});

const startApiOfProvider = async (env: Record<string, string> = {}) =>
  startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_JWKS_URL: `${providerUrl}/jwks.json`,
    JWT_ISSUER: 'https://id.example.com/',
    JWT_AUDIENCE: 'chat, chat-beta',
    ...env,
  });

const publicJwk = (key: KeyObject) => createPublicKey(key).export({ format: 'jwk' });
const claimsWith = (claims: Record<string, unknown> = {}) =>
  goodClaims({ sub: 'user-of-the-platform', iss: 'https://id.example.com/', aud: 'chat', ...claims });
const token = (kid: string | undefined, key: KeyObject, claims: Record<string, unknown> = {}, alg = 'RS256') =>
  signToken({ header: { alg, typ: 'JWT', kid }, payload: claimsWith(claims) }, key);
const history = (accessToken: string, url = api.url) =>
  call(`${url}/chat/history/user-of-the-platform`, { headers: { Authorization: `Bearer ${accessToken}` } });

test('a token of the identity provider is taken, and its subject is the user', async () => {
  expect(await history(token('first', firstKey))).toMatchObject({ status: 200, body: { items: [] } });
});

test('a new key of the provider is found by itself', async () => {
  keys = { ...keys, second: newKey() };
  expect((await history(token('second', keys.second!))).status).toBe(200);
});

test('neither a key that the provider does not have, nor its public key as a secret, opens anything', async () => {
  expect((await history(token('first', newKey()))).status).toBe(401);
  expect((await history(token('unknown', newKey()))).status).toBe(401);
  const published = createPublicKey(firstKey).export({ type: 'spki', format: 'pem' }).toString();
  const forged = signToken({ header: { alg: 'HS256', kid: 'first' }, payload: claimsWith() }, published);
  expect((await history(forged)).status).toBe(401);
});

test('a flood of tokens with key ids that nobody knows keeps nobody out, and asks the provider once a second', async () => {
  const good = token('first', firstKey);
  const forged = newKey();
  const before = asked;
  const startedAt = Date.now();
  const floods = Array.from({ length: 200 }, (_, i) => history(token(`made up ${i}`, forged)));
  for (let i = 0; i < 20; i++) expect((await history(good)).status).toBe(200);
  expect(new Set((await Promise.all(floods)).map(({ status }) => status))).toEqual(new Set([401]));
  expect(asked - before).toBeLessThanOrEqual(2 + (Date.now() - startedAt) / 1_000);
});

test('the accounts of this API are switched off', async () => {
  const registered = await postJson(`${api.url}/auth/register`, {
    email: 'a@example.com',
    password: 'three-brown-otters',
  });
  expect(registered).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const document = await call(`${api.url}/openapi.json`);
  expect(Object.keys((document.body as unknown as { paths: object }).paths)).not.toContain('/auth/login');
});

test('an admin of the provider opens the board with a token', async () => {
  const form = await logInWith(token('first', firstKey, { sub: 'boss', role: 'admin' }));
  const cookie = form.headers.get('set-cookie')!.split(';')[0]!;
  const board = async () => (await fetch(`${api.url}/admin/queues/api/queues`, { headers: { Cookie: cookie } })).status;
  expect(await board()).toBe(200);
  await fetch(`${api.url}/admin/logout`, { method: 'POST', headers: { Cookie: cookie }, redirect: 'manual' });
  expect(await board()).toBe(401);
});

test('the login tells users who have no role at the provider, or have no valid token', async () => {
  const user = await logInWith(token('first', firstKey));
  expect([user.status, await user.text()]).toEqual([403, expect.stringContaining('may not use these pages')]);
  const bad = await logInWith(token('first', newKey(), { role: 'admin' }));
  expect([bad.status, await bad.text()]).toEqual([401, expect.stringContaining('This token is not valid')]);
});

test('a provider that is away is our fault, not the token’s', async () => {
  const gone = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_JWKS_URL: 'http://127.0.0.1:9/jwks.json',
  });
  const answer = await call(`${gone.url}/chat/session/s1`, {
    headers: { Authorization: `Bearer ${token('first', firstKey)}` },
  });
  expect(answer).toMatchObject({ status: 503, body: { code: 'identity_unavailable' } });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});

const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
test.each<[string, KeyObject]>([
  ['RS256', firstKey],
  ['RS384', firstKey],
  ['RS512', firstKey],
  ['PS256', firstKey],
  ['PS384', firstKey],
  ['PS512', firstKey],
  ['ES256', curve('P-256')],
  ['ES384', curve('P-384')],
  ['ES512', curve('P-521')],
  ['EdDSA', generateKeyPairSync('ed25519').privateKey],
])('a token that is signed with %s counts, if the provider has such a key', async (alg, key) => {
  keys = { ...keys, [`for ${alg}`]: key };
  expect((await history(token(`for ${alg}`, key, {}, alg))).status).toBe(200);
  expect((await history(token('first', key, {}, alg))).status).toBe(key === firstKey ? 200 : 401);
});

test('a token without a key id is tried with every key that fits', async () => {
  expect((await history(token(undefined, unnamed))).status).toBe(200);
  expect((await history(token(undefined, firstKey))).status).toBe(200);
  expect((await history(token(undefined, newKey()))).status).toBe(401);
});

test.each(['first', 'of somebody else', undefined])(
  'no token brings its own key or says where it is: key id %s',
  async (kid) => {
    const own = newKey();
    let fetched = 0;
    const elsewhere = createServer((_req, res) => {
      fetched += 1;
      res.end(JSON.stringify({ keys: [{ ...publicJwk(own), kid, use: 'sig' }] }));
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const address = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/keys`;
    for (const named of [{ jwk: publicJwk(own) }, { jku: address }, { x5u: address }]) {
      const forged = signToken({ header: { alg: 'RS256', typ: 'JWT', kid, ...named }, payload: claimsWith() }, own);
      expect((await history(forged)).status).toBe(401);
    }
    expect(fetched).toBe(0);
    elsewhere.close();
  },
);

test.each([
  ...oddTokens((parts) => signToken(parts, firstKey, 'RS256'), { alg: 'RS256', typ: 'JWT', kid: 'first' }),
  ...[7, null, true, ['first'], { first: 1 }, '', '__proto__'].map((kid): [string, string] => [
    `a key id that is ${JSON.stringify(kid)}`,
    `Bearer ${signToken({ header: { alg: 'RS256', kid }, payload: claimsWith() }, newKey())}`,
  ]),
  ['no expiry', `Bearer ${token('first', firstKey, { exp: undefined })}`],
  ['an expiry that is past', `Bearer ${token('first', firstKey, { exp: seconds() - 10 })}`],
  ['another audience', `Bearer ${token('first', firstKey, { aud: ['somebody', 'else'] })}`],
  ['no audience', `Bearer ${token('first', firstKey, { aud: undefined, client_id: 'chat' })}`],
])('%s is answered 401', async (_what, authorization) => {
  const answer = await call(`${api.url}/chat/session/s1`, { headers: { Authorization: authorization } });
  expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
});

test('a token whose signer is two seconds ahead counts, and one for any of our audiences', async () => {
  expect((await history(token('first', firstKey, { nbf: seconds() + 2, iat: seconds() + 2 }))).status).toBe(200);
  expect((await history(token('first', firstKey, { aud: ['other', 'chat-beta'] }))).status).toBe(200);
});

test('an algorithm that is refused is named in the log, and the token is not', async () => {
  const refused = token('first', curve('secp256k1'), {}, 'ES256');
  const unknown = signToken({ header: { alg: 'HS256', kid: 'first' }, payload: claimsWith() }, 'a secret');
  for (const each of [refused, unknown]) expect((await history(each)).status).toBe(401);
  await until('the line', () => api.output().includes('"algorithm":"HS256"'));
  for (const each of [refused, unknown]) expect(api.output()).not.toContain(each.split('.')[1]);
});

test('the address of the key set may redirect', async () => {
  const redirected = await startApiOfProvider({ JWT_JWKS_URL: `${providerUrl}/redirect` });
  expect((await history(token('first', firstKey), redirected.url)).status).toBe(200);
  const endless = await startApiOfProvider({ JWT_JWKS_URL: `${providerUrl}/endless` });
  expect(await history(token('first', firstKey), endless.url)).toMatchObject({
    status: 503,
    body: { code: 'identity_unavailable' },
  });
});

test('the key set is fetched through a proxy if one is set', async () => {
  const asked: string[] = [];
  const { port } = new URL(providerUrl);
  const proxy = createServer((req, res) => {
    asked.push(new URL(req.url!).host);
    forward(`${providerUrl}${new URL(req.url!).pathname}`, (answer) => {
      answer.pipe(res.writeHead(answer.statusCode!, answer.headers));
    });
  }).on('connect', (req, client) => {
    asked.push(req.url!);
    const tunnel = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(tunnel).pipe(client);
    });
    for (const socket of [client, tunnel]) socket.on('error', () => {});
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    const inside = await startApiOfProvider({
      JWT_JWKS_URL: 'http://id.example.com/jwks.json',
      HTTP_PROXY: proxyUrl,
      HTTPS_PROXY: proxyUrl,
      NO_PROXY: 'localhost,127.0.0.1',
    });
    expect((await history(token('first', firstKey), inside.url)).status).toBe(200);
    expect(asked.every((host) => host.startsWith('id.example.com'))).toBe(true);
    expect(asked).not.toEqual([]);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('access tokens of Cognito, which have a client_id and no audience, count by a setting, and their groups are roles', async () => {
  const cognito = await startApiOfProvider({
    JWT_AUDIENCE: 'client-1',
    JWT_AUDIENCE_CLAIM: 'client_id',
    JWT_ROLES_CLAIM: 'cognito:groups',
    JWT_ADMIN_ROLE: 'operators',
  });
  const access = { aud: undefined, client_id: 'client-1' };
  expect((await history(token('first', firstKey, access), cognito.url)).status).toBe(200);
  expect((await history(token('first', firstKey, { ...access, client_id: 'other' }), cognito.url)).status).toBe(401);
  expect((await history(token('first', firstKey, { aud: 'client-1' }), cognito.url)).status).toBe(401);
  const lettersAs = async (groups: unknown) =>
    (
      await call(`${cognito.url}/admin/dead-letters/chat_requests`, {
        headers: { Authorization: `Bearer ${token('first', firstKey, { ...access, 'cognito:groups': groups })}` },
      })
    ).status;
  expect(await lettersAs(['users', 'operators'])).toBe(200);
  expect(await lettersAs(['users'])).toBe(403);
  expect(await lettersAs(undefined)).toBe(403);
});

function logInWith(accessToken: string): Promise<Response> {
  const body = new URLSearchParams({ token: accessToken });
  return fetch(`${api.url}/admin/login`, { method: 'POST', body, redirect: 'manual' });
}
