import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { z } from 'zod';
import type { openLogins } from '../../src/contracts/http/login-bodies.ts';
import { call, postJson, signUp } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, oddTokens, seconds, signToken } from '../sign-token.ts';
import { until } from '../until.ts';

type OpenLogins = z.output<typeof openLogins>;

const JWT_SECRET = 'a secret of at least thirty-two bytes';
let api: TestProcess;
let redisUrl: string;
/** The virtual host of this file's installation. Its Redis refuses processes of another one. */
let rabbitMqUrl: string;
beforeAll(async () => {
  [redisUrl, rabbitMqUrl] = [await testRedisUrl(), await testRabbitMqUrl()];
  api = await startApi({
    REDIS_URL: redisUrl,
    RABBITMQ_URL: rabbitMqUrl,
    JWT_SECRET,
    RATE_LOGIN_PER_MINUTE: '1000',
  });
});

const post = (path: string, body: unknown) => postJson(api.url + path, body);
const credentials = (name: string) => ({ email: `${name}@example.com`, password: 'three-brown-otters' });
const login = async (name: string) => {
  await post('/auth/register', credentials(name));
  return (await post('/auth/login', credentials(name))).body as unknown as Record<
    'accessToken' | 'refreshToken' | 'userId',
    string
  >;
};

test('a registered user can log in, and use the token', async () => {
  const registered = await post('/auth/register', credentials('ann'));
  expect(registered).toMatchObject({ status: 202, body: { email: 'ann@example.com', next: 'log_in' } });
  const tokens = await post('/auth/login', { ...credentials('ann'), email: 'ANN@example.com' });
  expect(tokens).toMatchObject({ status: 200, body: { tokenType: 'Bearer', expiresIn: 900 } });
  const { accessToken, userId } = tokens.body as unknown as { accessToken: string; userId: string };
  const history = await call(`${api.url}/chat/history/${userId}`, {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  expect(history).toMatchObject({ status: 200, body: { items: [], nextCursor: null } });
});

test('a password counts as it was typed, to its last character and with its blanks', async () => {
  const password = ` Ünder ${'x7 '.repeat(38)}🦦 end `;
  expect(password).toHaveLength(128);
  const email = 'typed@example.com';
  expect((await post('/auth/register', { email, password })).status).toBe(202);
  expect((await post('/auth/login', { email, password })).status).toBe(200);
  for (const other of [password.trim(), password.slice(0, -1), password.toLowerCase(), password.normalize('NFD')]) {
    expect((await post('/auth/login', { email, password: other })).status).toBe(401);
  }
});

test('each login has tokens of its own, which nobody can guess', async () => {
  const [one, other] = [await login('rosa'), await login('rosa')];
  for (const { refreshToken } of [one, other]) expect(refreshToken.split('.').at(-1)).toMatch(/^[\w-]{43}$/);
  expect(other.refreshToken).not.toBe(one.refreshToken);
  expect(other.accessToken).not.toBe(one.accessToken);
});

test('who registers an email that has an account gets the same reply, and changes nothing', async () => {
  const first = await post('/auth/register', credentials('bob'));
  const again = await post('/auth/register', { ...credentials('bob'), password: 'four-green-badgers' });
  expect([again.status, again.body]).toEqual([first.status, first.body]);
  expect((await post('/auth/login', credentials('bob'))).status).toBe(200);
  const other = { ...credentials('bob'), password: 'four-green-badgers' };
  expect((await post('/auth/login', other)).status).toBe(401);
});

test('a wrong password and an unknown email get the same reply', async () => {
  await post('/auth/register', credentials('carol'));
  const wrong = await post('/auth/login', { email: 'carol@example.com', password: 'not the password' });
  const unknown = await post('/auth/login', { email: 'nobody@example.com', password: 'not the password' });
  const { traceId: _one, ...first } = wrong.body;
  const { traceId: _two, ...second } = unknown.body;
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  expect(second).toEqual(first);
});

test('tabs that refresh with one token at the same time all get the same next one, and the login goes on', async () => {
  const { refreshToken } = await login('erin');
  const answers = await Promise.all(Array.from({ length: 5 }, () => post('/auth/refresh', { refreshToken })));
  const tokens = answers.map(({ body }) => body as unknown as Tokens);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(new Set(tokens.map((next) => next.refreshToken)).size).toBe(1);
  expect(tokens[0]!.refreshToken).not.toBe(refreshToken);
  for (const { accessToken, userId } of tokens) expect((await historyOf(userId, accessToken)).status).toBe(200);
  expect((await post('/auth/refresh', { refreshToken: tokens[0]!.refreshToken })).status).toBe(200);
});

test('a tab that refreshes seconds after another gets the same pair, and is told how long it lasts', async () => {
  const { refreshToken } = await login('ella');
  const first = (await post('/auth/refresh', { refreshToken })).body as unknown as Tokens & { expiresIn: number };
  await sleep(1_100);
  const second = (await post('/auth/refresh', { refreshToken })).body as unknown as Tokens & { expiresIn: number };
  expect(second.expiresIn).toBeLessThan(first.expiresIn);
  expect(second).toMatchObject({ accessToken: first.accessToken, refreshToken: first.refreshToken });
});

test('a tab that is two refreshes late gets the token that is valid now', async () => {
  const { refreshToken } = await login('erik');
  const second = (await post('/auth/refresh', { refreshToken })).body as unknown as Tokens;
  const third = (await post('/auth/refresh', { refreshToken: second.refreshToken })).body as unknown as Tokens;
  expect(await post('/auth/refresh', { refreshToken })).toMatchObject({
    status: 200,
    body: { refreshToken: third.refreshToken },
  });
});

test('a refresh token that is used again after the grace ends its login, with its access token', async () => {
  const strict = await startApi({
    REDIS_URL: redisUrl,
    RABBITMQ_URL: rabbitMqUrl,
    JWT_SECRET,
    REFRESH_GRACE: '0s',
    RATE_LOGIN_PER_MINUTE: '1000',
  });
  const refresh = (refreshToken: string) => postJson(`${strict.url}/auth/refresh`, { refreshToken });
  const { refreshToken, userId } = await login('dave');
  const second = (await refresh(refreshToken)).body as unknown as Tokens;
  const third = (await refresh(second.refreshToken)).body as unknown as Tokens;
  expect(await refresh(refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh_token_reused' } });
  expect(await refresh(third.refreshToken)).toMatchObject({ status: 401, body: { code: 'invalid_refresh_token' } });
  await until('the access token is refused', async () => (await historyOf(userId, third.accessToken)).status === 401);
});

test('nobody can end a login with its name alone, without one of its tokens', async () => {
  const { refreshToken } = await login('emma');
  const madeUp = `${refreshToken.split('.')[0]}.${'x'.repeat(43)}`;
  expect((await post('/auth/logout', { refreshToken: madeUp })).status).toBe(204);
  expect(await post('/auth/refresh', { refreshToken: madeUp })).toMatchObject({
    status: 401,
    body: { code: 'invalid_refresh_token' },
  });
  expect((await post('/auth/refresh', { refreshToken })).status).toBe(200);
});

test('no token can be made from what Redis has', async () => {
  const { refreshToken, accessToken } = await login('eric');
  const next = (await post('/auth/refresh', { refreshToken })).body as unknown as Tokens;
  const redis = new Redis(redisUrl);
  const [id] = refreshToken.split('.');
  const kept = JSON.stringify(await redis.hgetall(`auth:refresh:${id}`));
  await redis.quit();
  for (const token of [refreshToken, next.refreshToken]) expect(kept).not.toContain(token.split('.')[1]);
  expect(accessToken).not.toContain(id);
});

test('after a logout the refresh token is refused', async () => {
  const { refreshToken } = await login('frank');
  expect((await post('/auth/logout', { refreshToken })).status).toBe(204);
  expect((await post('/auth/refresh', { refreshToken })).status).toBe(401);
});

test('a logout ends the access tokens of the login at every api, at once, and those of no other login', async () => {
  const env = { REDIS_URL: redisUrl, RABBITMQ_URL: rabbitMqUrl, JWT_SECRET };
  const other = await startApi(env);
  const first = await login('finn');
  const second = (await post('/auth/login', credentials('finn'))).body as unknown as Tokens;
  const refreshed = (await post('/auth/refresh', { refreshToken: first.refreshToken })).body as unknown as Tokens;
  const at = async (url: string, token: string) => (await historyOf(first.userId, token, url)).status;
  for (const { accessToken } of [first, refreshed, second]) expect(await at(other.url, accessToken)).toBe(200);

  expect((await post('/auth/logout', { refreshToken: refreshed.refreshToken })).status).toBe(204);
  for (const { accessToken } of [first, refreshed]) expect(await at(api.url, accessToken)).toBe(401);
  const loggedOutAt = Date.now();
  await until('the other api has heard of it', async () => (await at(other.url, refreshed.accessToken)) === 401);
  expect(Date.now() - loggedOutAt).toBeLessThan(5_000);
  expect(await at(other.url, first.accessToken)).toBe(401);
  expect(await at(other.url, second.accessToken)).toBe(200);

  const startedLater = await startApi(env);
  expect(await at(startedLater.url, first.accessToken)).toBe(401);
  expect(await at(startedLater.url, second.accessToken)).toBe(200);
});

test.each([
  ['no token', undefined],
  ['nonsense', 'Bearer nonsense'],
  ['no token after the scheme', 'Bearer '],
  ['another scheme', `Basic ${sign()}`],
  ['a token without a signature', `Bearer ${sign({}, { alg: 'none' })}`],
  ['a token with another secret', `Bearer ${sign({}, {}, `another ${JWT_SECRET}`)}`],
  ['a token of another issuer', `Bearer ${sign({ iss: 'somebody' })}`],
  ['a token for another audience', `Bearer ${sign({ aud: 'somebody' })}`],
  ['an expired token', `Bearer ${sign({ exp: seconds() - 10 })}`],
  ['a token that never expires', `Bearer ${sign({ exp: undefined })}`],
  ['a token whose expiry is a text', `Bearer ${sign({ exp: '9999999999' })}`],
  ['a token that is not valid yet', `Bearer ${sign({ nbf: seconds() + 600 })}`],
  ['another algorithm', `Bearer ${sign({}, { alg: 'HS512' })}`],
  ['a token that names nobody', `Bearer ${sign({ sub: '' })}`],
  ['a token whose subject is a number', `Bearer ${sign({ sub: 7 })}`],
  ['a token that names more than an id can be', `Bearer ${sign({ sub: 'x'.repeat(129) })}`],
  ['a token that names half a character', `Bearer ${sign({ sub: '\ud800' })}`],
  ...oddTokens((parts) => signToken(parts, JWT_SECRET, 'HS256'), { alg: 'HS256', typ: 'JWT' }),
])('%s is answered 401, and how to do better', async (_what, authorization) => {
  const answer = await call(`${api.url}/chat/session/s1`, {
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });
  expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
});

test('who fails too often for an account must wait, and nobody else: the person at another address gets in', async () => {
  const strict = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: rabbitMqUrl,
    RATE_LOGIN_PER_MINUTE: '1000',
    TRUST_PROXY: '1',
  });
  const from = (address: string, path: string, body: unknown) =>
    postJson(`${strict.url}${path}`, body, { 'X-Forwarded-For': address });
  const guess = { ...credentials('grace'), password: 'a guess at it' };
  await from('192.0.2.1', '/auth/register', credentials('grace'));

  let guesses = 0;
  const refused = await until('the client must wait', async () => {
    // All of this is one client, because the addresses are of one network.
    const reply = await from(`2001:db8::${++guesses}`, '/auth/login', guess);
    if (reply.status === 429) return reply;
    expect(reply.status).toBe(401);
  });
  expect(guesses).toBeGreaterThan(5);
  expect(refused.body.code).toBe('rate_limited');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

  expect((await from('192.0.2.1', '/auth/login', credentials('grace'))).status).toBe(200);
  await from('192.0.2.1', '/auth/register', credentials('greta'));
  expect((await from('2001:db8::1', '/auth/login', credentials('greta'))).status).toBe(200);
});

test('a client that guesses at an email without an account must wait as well', async () => {
  const nobody = { email: 'no-gwen@example.com', password: 'a guess at it' };
  await until('it must wait', async () => (await post('/auth/login', nobody)).status === 429);
});

test('an address that tries many emails is refused as well', async () => {
  const strict = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: rabbitMqUrl,
    RATE_LOGIN_PER_MINUTE: '3',
  });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) {
    statuses.push(
      (await postJson(`${strict.url}/auth/login`, { email: `e${i}@example.com`, password: 'guess' })).status,
    );
  }
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
});

test('Bull Board is for admins only', async () => {
  const user = await signUp(api.url);
  expect((await user.get('/admin/queues')).status).toBe(403);
  expect((await call(`${api.url}/admin/queues/api/queues`)).status).toBe(401);
  const page = await fetch(`${api.url}/admin/queues`, { headers: { Accept: 'text/html' }, redirect: 'manual' });
  expect([page.status, page.headers.get('location')]).toEqual([303, '/admin/login']);
});

test('an admin made on the command line logs in with the form, and the cookie opens the board', async () => {
  const cli = (...args: string[]) =>
    startScript('src/main/users.ts', args, { REDIS_URL: redisUrl, PASSWORD: 'three-brown-otters' });
  const add = ['add', '--email', 'Admin@example.com', '--password-env', 'PASSWORD', '--admin'];
  const made = await cli(...add);
  await made.exited;
  expect(made.output()).toContain('made admin@example.com (admin)');
  const again = await cli(...add);
  await again.exited;
  expect([again.exitCode, again.output()]).toEqual([2, expect.stringContaining('has an account already')]);

  const form = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${api.url}/admin/login`, {
      method: 'POST',
      body: new URLSearchParams(fields),
      redirect: 'manual',
      headers,
    });
  const wrong = await form({ email: 'admin@example.com', password: 'wrong' });
  expect([wrong.status, await wrong.text()]).toEqual([401, expect.stringContaining('Email or password is wrong')]);
  await post('/auth/register', credentials('heidi'));
  expect((await form(credentials('heidi'))).status).toBe(403);
  const foreign = await form(credentials('admin'), { 'Sec-Fetch-Site': 'cross-site' });
  expect(foreign.status).toBe(403);

  const right = await form(credentials('admin'));
  expect([right.status, right.headers.get('location')]).toEqual([303, '/admin']);
  const cookie = right.headers.get('set-cookie')!;
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Strict/);
  expect(cookie).toMatch(/^__Host-[^=]+=[\w-]{43};.*; Path=\/;.*; Secure/);
  const board = await fetch(`${api.url}/admin/queues/api/queues`, { headers: { Cookie: cookie.split(';')[0]! } });
  expect(board.status).toBe(200);
  const boardPage = await fetch(`${api.url}/admin/queues`, { headers: { Cookie: cookie.split(';')[0]! } });
  expect(boardPage.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(boardPage.headers.get('referrer-policy')).toBe('same-origin');
  const chat = await call(`${api.url}/chat/session/s1`, { headers: { Cookie: cookie.split(';')[0]! } });
  expect(chat.status).toBe(401);

  const headers = { Cookie: cookie.split(';')[0]! };
  const logout = await fetch(`${api.url}/admin/logout`, { method: 'POST', headers, redirect: 'manual' });
  expect([logout.status, logout.headers.get('location')]).toEqual([303, '/admin/login']);
  expect((await fetch(`${api.url}/admin/queues/api/queues`, { headers })).status).toBe(401);
  const back = await fetch(`${api.url}/admin/queues`, {
    headers: { ...headers, Accept: 'text/html' },
    redirect: 'manual',
  });
  expect(back.headers.get('location')).toBe('/admin/login?expired');

  const revoke = await cli('revoke-admin', '--email', 'admin@example.com');
  await revoke.exited;
  expect((await form(credentials('admin'))).status).toBe(403);
});

test('no password and no token is in the log', async () => {
  const { accessToken, refreshToken } = await login('ivan');
  await post('/auth/refresh', { refreshToken });
  for (const secret of ['three-brown-otters', accessToken, refreshToken, JWT_SECRET]) {
    expect(api.output()).not.toContain(secret);
  }
});

test('a token whose signer is two seconds ahead is accepted', async () => {
  const { userId } = await login('fred');
  const token = sign({ sub: userId, nbf: seconds() + 2, iat: seconds() + 2 });
  expect((await historyOf(userId, token)).status).toBe(200);
});

test('two Authorization headers are refused, even if the first one is good', async () => {
  const { accessToken, userId } = await login('gina');
  const request = httpRequest(`${api.url}/chat/history/${userId}`);
  request.setHeader('Authorization', [`Bearer ${accessToken}`, 'Bearer another']);
  request.end();
  const [response] = await once(request, 'response');
  response.resume();
  expect(response.statusCode).toBe(401);
});

test('an algorithm that is refused is named in the log, and the token is not', async () => {
  const token = sign({}, { alg: 'HS384' });
  await historyOf('u1', token);
  await until('the line', () => api.output().includes('"algorithm":"HS384"'));
  expect(api.output()).not.toContain(token);
});

interface Tokens {
  accessToken: string;
  refreshToken: string;
  userId: string;
}

function historyOf(userId: string, accessToken: string, url = api.url) {
  return call(`${url}/chat/history/${userId}`, { headers: { Authorization: `Bearer ${accessToken}` } });
}

function sign(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, secret = JWT_SECRET): string {
  return signToken({ header: { alg: 'HS256', typ: 'JWT', ...header }, payload: goodClaims(claims) }, secret);
}

test('a login has its own limit of refreshes, whatever others at its address do', async () => {
  const strict = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: rabbitMqUrl,
    RATE_LOGIN_PER_MINUTE: '3',
  });
  const at = (path: string, body: unknown) => postJson(`${strict.url}${path}`, body);
  await at('/auth/register', credentials('hanna'));
  const logins = [];
  for (let i = 0; i < 3; i++) logins.push((await at('/auth/login', credentials('hanna'))).body as unknown as Tokens);
  for (const { refreshToken } of logins) {
    const refreshes = [];
    let token = refreshToken;
    for (let i = 0; i < 4; i++) {
      const reply = await at('/auth/refresh', { refreshToken: token });
      refreshes.push(reply);
      token = (reply.body as unknown as Tokens).refreshToken;
    }
    expect(refreshes.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(refreshes[0]!.headers.get('ratelimit-policy')).toBe('"refresh";q=3;w=60');
  }

  const unknown = `${randomUUID()}.${'x'.repeat(43)}`;
  const made = [];
  for (let i = 0; i < 4; i++) made.push((await at('/auth/refresh', { refreshToken: unknown })).status);
  expect(made).toEqual([401, 401, 401, 429]);
  expect((await at('/auth/logout', { refreshToken: unknown })).status).toBe(429);
  for (const { refreshToken } of logins) expect((await at('/auth/logout', { refreshToken })).status).toBe(204);
});

test('people see where they are logged in, and end one login or all others at once', async () => {
  await post('/auth/register', credentials('iris'));
  const agents = ['Browser "one"', 'phone', 'x'.repeat(500)];
  const logins: Tokens[] = [];
  for (const agent of agents) {
    const { body } = await postJson(`${api.url}/auth/login`, credentials('iris'), { 'User-Agent': agent });
    logins.push(body as unknown as Tokens);
  }
  const [here, there, elsewhere] = logins as [Tokens, Tokens, Tokens];
  const use = async (method: string, path: string, { accessToken }: Tokens) => {
    const { status, body } = await call(`${api.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${accessToken}` },
    });
    return { status, body: body as unknown as OpenLogins & { ended: number } };
  };
  const listed = await use('GET', '/auth/logins', here);
  expect(listed.body.logins.map(({ agent }) => agent).sort()).toEqual(['Browser "one"', 'phone', 'x'.repeat(200)]);
  expect(listed.body.logins.filter(({ current }) => current)).toMatchObject([
    { agent: 'Browser "one"', address: '127.0.0.1' },
  ]);
  expect(JSON.stringify(listed.body)).not.toContain(here.refreshToken.split('.')[0]);

  const foreign = await login('ivy');
  const { loginId } = listed.body.logins.find(({ agent }) => agent === 'phone')!;
  expect((await use('DELETE', `/auth/logins/${loginId}`, foreign as Tokens)).status).toBe(404);
  expect((await historyOf(there.userId, there.accessToken)).status).toBe(200);
  expect((await use('DELETE', `/auth/logins/${loginId}`, here)).status).toBe(204);
  expect((await historyOf(there.userId, there.accessToken)).status).toBe(401);
  expect((await post('/auth/refresh', { refreshToken: there.refreshToken })).status).toBe(401);
  expect((await use('DELETE', `/auth/logins/${loginId}`, here)).status).toBe(404);

  expect(await use('DELETE', '/auth/logins', here)).toMatchObject({ status: 200, body: { ended: 1 } });
  expect((await historyOf(here.userId, elsewhere.accessToken)).status).toBe(401);
  expect((await use('GET', '/auth/logins', here)).body.logins).toMatchObject([{ current: true }]);
});

test('a login ends for good after its longest time, and its access token does not outlive it', async () => {
  const env = {
    REDIS_URL: redisUrl,
    RABBITMQ_URL: rabbitMqUrl,
    JWT_SECRET,
    LOGIN_MAX: '10m',
    RATE_LOGIN_PER_MINUTE: '1000',
  };
  const brief = await startApi(env);
  await post('/auth/register', credentials('jan'));
  const { body } = await postJson(`${brief.url}/auth/login`, credentials('jan'));
  const { refreshToken, expiresIn } = body as unknown as Tokens & { expiresIn: number };
  expect(expiresIn).toBeLessThanOrEqual(600);
  const redis = new Redis(redisUrl);
  const key = `auth:refresh:${refreshToken.split('.')[0]}`;
  expect(await redis.pttl(key)).toBeLessThanOrEqual(600_000);
  await redis.hset(key, 'endsAt', Date.now() - 1);
  await redis.quit();
  expect(await post('/auth/refresh', { refreshToken })).toMatchObject({
    status: 401,
    body: { code: 'invalid_refresh_token' },
  });
});

test('while a key is changed, tokens of the old and of the new one are accepted, and later only those of the new one', async () => {
  const [older, newer] = ['o'.repeat(40), 'n'.repeat(40)];
  const start = (secret: string) =>
    startApi({ REDIS_URL: redisUrl, RABBITMQ_URL: rabbitMqUrl, JWT_SECRET: secret, RATE_LOGIN_PER_MINUTE: '1000' });
  const [before, during, after] = await Promise.all([older, `${newer},${older}`, newer].map(start));
  await post('/auth/register', credentials('jill'));
  const logInAt = async ({ url }: TestProcess) =>
    (await postJson(`${url}/auth/login`, credentials('jill'))).body as unknown as Tokens;
  const statusAt = async ({ url }: TestProcess, { userId, accessToken }: Tokens) =>
    (await historyOf(userId, accessToken, url)).status;
  const [old, next] = [await logInAt(before!), await logInAt(during!)];
  expect([await statusAt(during!, old), await statusAt(during!, next)]).toEqual([200, 200]);
  expect([await statusAt(after!, old), await statusAt(after!, next)]).toEqual([401, 200]);
  expect(await statusAt(before!, next)).toBe(401);

  const kid = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid as string;
  expect(kid(old.accessToken)).toMatch(/^[\w-]{11}$/);
  expect(kid(old.accessToken)).not.toBe(kid(next.accessToken));
  // Another key's name helps nobody: the signature counts.
  const claims = goodClaims({ sub: next.userId });
  const forge = (name: string | undefined, secret: string) =>
    signToken({ header: { alg: 'HS256', ...(name && { kid: name }) }, payload: claims }, secret);
  const accepted = async (token: string) => statusAt(during!, { ...next, accessToken: token });
  expect(await accepted(forge(kid(old.accessToken), newer))).toBe(401);
  expect(await accepted(forge(kid(old.accessToken), older))).toBe(200);
  for (const secret of [older, newer]) expect(await accepted(forge(undefined, secret))).toBe(200);
  expect(await accepted(forge(kid(next.accessToken), 'x'.repeat(40)))).toBe(401);
});

test('an admin disables an account: its tokens end at once at every api, and nobody logs in until it is enabled', async () => {
  const env = { REDIS_URL: redisUrl, RABBITMQ_URL: rabbitMqUrl, JWT_SECRET, RATE_LOGIN_PER_MINUTE: '1000' };
  const other = await startApi(env);
  const users = async (command: string, email: string, ...more: string[]) => {
    const run = await startScript('src/main/users.ts', [command, '--email', email, ...more], {
      REDIS_URL: redisUrl,
      PASSWORD: credentials('').password,
    });
    await run.exited;
    return run.output();
  };
  await users('add', 'boss@example.com', '--password-env', 'PASSWORD', '--admin');
  const boss = await login('boss');
  const manage = (command: string, email: string, { accessToken } = boss) =>
    postJson(`${api.url}/admin/accounts/${command}`, { email }, { Authorization: `Bearer ${accessToken}` });
  const kim = await login('kim');
  const at = async (url: string) => (await historyOf(kim.userId, kim.accessToken, url)).status;
  expect([await at(api.url), await at(other.url)]).toEqual([200, 200]);
  expect(await manage('find', 'KIM@example.com')).toMatchObject({
    body: { role: 'user', logins: 1, disabledAt: null },
  });
  expect((await manage('disable', 'boss@example.com', kim)).status).toBe(403);
  expect((await manage('find', 'no-kim@example.com')).status).toBe(404);

  const disabled = await manage('disable', 'kim@example.com');
  expect(disabled).toMatchObject({ status: 200, body: { logins: 0, disabledAt: expect.any(String) } });
  expect(await at(api.url)).toBe(401);
  await until('the other api has heard of it', async () => (await at(other.url)) === 401);
  expect((await post('/auth/refresh', { refreshToken: kim.refreshToken })).status).toBe(401);
  expect(await post('/auth/login', credentials('kim'))).toMatchObject({
    status: 403,
    body: { code: 'account_disabled' },
  });
  const wrong = await post('/auth/login', { ...credentials('kim'), password: 'not the password' });
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  await manage('enable', 'kim@example.com');
  expect((await post('/auth/login', credentials('kim'))).status).toBe(200);

  expect(await users('disable', 'boss@example.com')).toMatch(/^boss@example\.com: admin, disabled since /);
  await until('the api has heard of it', async () => (await manage('find', 'kim@example.com')).status === 401);
  expect(await users('enable', 'boss@example.com')).toContain('enabled');
  const again = await login('boss');
  expect((await manage('find', 'kim@example.com', again)).status).toBe(200);
  expect(await users('revoke-admin', 'boss@example.com')).toContain('user, enabled');
  // Its token still says admin. The account counts.
  expect((await manage('find', 'kim@example.com', again)).status).toBe(403);
});

test.each([
  'password1234',
  'qwertyuiop',
  'aaaaaaaaaaaa',
  'lena.lang',
  'lenalang2026',
  'lena.lang@example.com',
  'Lang.Lena.1984',
  'LenaExample2026',
  // Letters of full width, and one of no width.
  'ｌｅｎａ．ｌａｎｇ２０２６',
  'lena.la\u200Bng2026',
  'healify-chat',
  'healify-chat-2026',
])('a password that is easy to guess is refused: %s', async (password) => {
  const reply = await post('/auth/register', { email: 'lena.lang@example.com', password });
  expect([reply.status, reply.body.code]).toEqual([
    400,
    password.length < 10 ? 'validation_failed' : 'password_too_weak',
  ]);
});

test('a password may have a word of the email if the rest is hard to guess', async () => {
  const password = 'lena-likes-brown-otters';
  expect((await post('/auth/register', { email: 'lena.lang@example.com', password })).status).toBe(202);
});

test('who changes their password keeps this login, and all others end at once', async () => {
  const here = await login('mia');
  const there = (await post('/auth/login', credentials('mia'))).body as unknown as Tokens;
  const change = (currentPassword: string, newPassword: string) =>
    postJson(
      `${api.url}/auth/password`,
      { currentPassword, newPassword },
      { Authorization: `Bearer ${here.accessToken}` },
    );
  const [old, next] = [credentials('').password, 'four-grey-badgers'];
  expect((await postJson(`${api.url}/auth/password`, { currentPassword: old, newPassword: next })).status).toBe(401);
  expect(await change('not the password', next)).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
  expect(await change(old, 'mia-mia-mia')).toMatchObject({ status: 400, body: { code: 'password_too_weak' } });
  expect((await historyOf(here.userId, there.accessToken)).status).toBe(200);
  expect((await change(old, next)).status).toBe(204);
  expect((await historyOf(here.userId, there.accessToken)).status).toBe(401);
  expect((await post('/auth/refresh', { refreshToken: there.refreshToken })).status).toBe(401);
  expect((await historyOf(here.userId, here.accessToken)).status).toBe(200);
  expect((await post('/auth/login', credentials('mia'))).status).toBe(401);
  expect((await post('/auth/login', { ...credentials('mia'), password: next })).status).toBe(200);
  await until('guesses must wait', async () => (await change('not the password', next)).status === 429);
});

test('a password that an operator sets ends all logins, also those to the admin’s pages', async () => {
  const email = 'nora@example.com';
  const users = async (command: string, password: string, ...more: string[]) => {
    const args = [command, '--email', email, '--password-env', 'PASSWORD', ...more];
    const run = await startScript('src/main/users.ts', args, { REDIS_URL: redisUrl, PASSWORD: password });
    await run.exited;
    return run.output();
  };
  const old = credentials('').password;
  await users('add', old, '--admin');
  const tokens = (await post('/auth/login', { email, password: old })).body as unknown as Tokens;
  const form = (password: string) =>
    fetch(`${api.url}/admin/login`, {
      method: 'POST',
      body: new URLSearchParams({ email, password }),
      redirect: 'manual',
    });
  const cookieOf = (reply: Response) => reply.headers.get('set-cookie')!.split(';')[0]!;
  const gates = async (cookie: string) =>
    (await call(`${api.url}/admin/gates`, { headers: { Cookie: cookie } })).status;
  const before = cookieOf(await form(old));
  expect(await gates(before)).toBe(200);

  expect(await users('set-password', 'healify-chat')).toContain('password_too_weak');
  expect(await gates(before)).toBe(200);
  expect(await users('set-password', 'four-grey-badgers')).toContain('has a new password');
  expect(await gates(before)).toBe(401);
  await until('the token is refused', async () => (await historyOf(tokens.userId, tokens.accessToken)).status === 401);
  expect((await form(old)).status).toBe(401);
  expect(await gates(cookieOf(await form('four-grey-badgers')))).toBe(200);
});
