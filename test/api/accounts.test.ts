import { beforeAll, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { call, postJson, signUp } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

const JWT_SECRET = 'a secret of at least thirty-two bytes';
let api: TestProcess;
let redisUrl: string;
beforeAll(async () => {
  redisUrl = await testRedisUrl();
  api = await startApi({
    REDIS_URL: redisUrl,
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET,
    RATE_LOGIN_PER_MINUTE: '100',
  });
});

const post = (path: string, body: unknown) => postJson(api.url + path, body);
const credentials = (name: string) => ({ email: `${name}@example.com`, password: 'password123' });
const login = async (name: string) => {
  await post('/auth/register', credentials(name));
  return (await post('/auth/login', credentials(name))).body as unknown as Record<
    'accessToken' | 'refreshToken' | 'userId',
    string
  >;
};

test('who registers can log in, and use the token', async () => {
  const registered = await post('/auth/register', credentials('ann'));
  expect(registered).toMatchObject({ status: 201, body: { email: 'ann@example.com' } });
  const tokens = await post('/auth/login', { ...credentials('ann'), email: 'ANN@example.com' });
  expect(tokens).toMatchObject({ status: 200, body: { tokenType: 'Bearer', expiresIn: 900 } });
  const { accessToken, userId } = tokens.body as unknown as { accessToken: string; userId: string };
  const history = await call(`${api.url}/chat/history/${userId}`, {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  expect(history).toMatchObject({ status: 200, body: { items: [], nextCursor: null } });
});

test('an email has one account', async () => {
  await post('/auth/register', credentials('bob'));
  expect(await post('/auth/register', credentials('bob'))).toMatchObject({
    status: 409,
    body: { code: 'email_taken' },
  });
});

test('a wrong password and an unknown email are told apart by nobody', async () => {
  await post('/auth/register', credentials('carol'));
  const wrong = await post('/auth/login', { email: 'carol@example.com', password: 'not the password' });
  const unknown = await post('/auth/login', { email: 'nobody@example.com', password: 'not the password' });
  const { traceId: _one, ...first } = wrong.body;
  const { traceId: _two, ...second } = unknown.body;
  expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  expect(second).toEqual(first);
});

test('a refresh token is good once; used again, it ends the login', async () => {
  const { refreshToken } = await login('dave');
  const next = await post('/auth/refresh', { refreshToken });
  expect(next.status).toBe(200);
  const { refreshToken: second } = next.body as unknown as { refreshToken: string };
  expect(await post('/auth/refresh', { refreshToken })).toMatchObject({
    status: 401,
    body: { code: 'refresh_token_reused' },
  });
  expect(await post('/auth/refresh', { refreshToken: second })).toMatchObject({
    status: 401,
    body: { code: 'invalid_refresh_token' },
  });
});

test('of two that refresh with one token at the same time, one gets the next', async () => {
  const { refreshToken } = await login('erin');
  const answers = await Promise.all([post('/auth/refresh', { refreshToken }), post('/auth/refresh', { refreshToken })]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
});

test('after a logout the refresh token is worth nothing', async () => {
  const { refreshToken } = await login('frank');
  expect((await post('/auth/logout', { refreshToken })).status).toBe(204);
  expect((await post('/auth/refresh', { refreshToken })).status).toBe(401);
});

test.each([
  ['no token', undefined],
  ['nonsense', 'Bearer nonsense'],
  ['a token without a signature', `Bearer ${jwt.sign({ sub: 'u1' }, '', { algorithm: 'none' })}`],
  ['a token with another secret', `Bearer ${sign({}, {}, `another ${JWT_SECRET}`)}`],
  ['a token of another issuer', `Bearer ${sign({}, { issuer: 'somebody' })}`],
  ['a token for another audience', `Bearer ${sign({}, { audience: 'somebody' })}`],
  ['an expired token', `Bearer ${sign({}, { expiresIn: -10 })}`],
  ['another algorithm', `Bearer ${sign({}, { algorithm: 'HS512' })}`],
  ['a token that names nobody', `Bearer ${sign({ sub: '' })}`],
  ['a token that names more than an id can be', `Bearer ${sign({ sub: 'x'.repeat(129) })}`],
])('%s is answered 401, and how to do better', async (_what, authorization) => {
  const answer = await call(`${api.url}/chat/session/s1`, {
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });
  expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
});

test('too many tries for an email are refused, from whichever address, and told when to come back', async () => {
  const strict = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_LOGIN_PER_MINUTE: '3',
    TRUST_PROXY: '1',
  });
  const tryFrom = (address: string, email = 'grace@example.com') =>
    postJson(`${strict.url}/auth/login`, { email, password: 'guess' }, { 'X-Forwarded-For': address });
  const first = await tryFrom('192.0.2.1');
  expect(first.headers.get('ratelimit-policy')).toMatch(/^"login-email";q=3;w=60$/);
  for (const host of [2, 3]) expect((await tryFrom(`192.0.2.${host}`)).status).toBe(401);
  const refused = await tryFrom('192.0.2.4');
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.headers.get('ratelimit')).toMatch(/r=0;t=\d+/);
  expect((await tryFrom('192.0.2.4', 'somebody@example.com')).status).toBe(401);
});

test('an address that tries many emails is refused as well', async () => {
  const strict = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
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
  expect([page.status, page.headers.get('location')]).toEqual([303, '/admin/login?expired']);
});

test('an admin made on the command line logs in with the form, and the cookie opens the board', async () => {
  const cli = (...args: string[]) =>
    startScript('src/main/users.ts', args, { REDIS_URL: redisUrl, PASSWORD: 'password123' });
  const add = ['add', '--email', 'Admin@example.com', '--password-env', 'PASSWORD', '--admin'];
  const made = await cli(...add);
  await made.exited;
  expect(made.output()).toContain('made admin@example.com (admin)');
  const again = await cli(...add);
  await again.exited;
  expect([again.exitCode, again.output()]).toEqual([1, expect.stringContaining('email_taken')]);

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
  expect([right.status, right.headers.get('location')]).toEqual([303, '/admin/queues']);
  const cookie = right.headers.get('set-cookie')!;
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Strict/);
  expect(cookie).toMatch(/Path=\/admin/);
  const board = await fetch(`${api.url}/admin/queues/api/queues`, { headers: { Cookie: cookie.split(';')[0]! } });
  expect(board.status).toBe(200);
  const chat = await call(`${api.url}/chat/session/s1`, { headers: { Cookie: cookie.split(';')[0]! } });
  expect(chat.status).toBe(401);

  const revoke = await cli('revoke-admin', '--email', 'admin@example.com');
  await revoke.exited;
  expect((await form(credentials('admin'))).status).toBe(403);
});

test('no password and no token is in the log', async () => {
  const { accessToken, refreshToken } = await login('ivan');
  await post('/auth/refresh', { refreshToken });
  for (const secret of ['password123', accessToken, refreshToken, JWT_SECRET]) {
    expect(api.output()).not.toContain(secret);
  }
});

function sign(claims: object, options: jwt.SignOptions = {}, secret = JWT_SECRET): string {
  return jwt.sign({ sub: 'u1', ...claims }, secret, {
    issuer: 'healify-chat',
    audience: 'healify-chat',
    expiresIn: 60,
    ...options,
  });
}
