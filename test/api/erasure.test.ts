import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../src/adapters/accounts/redis-account-store.ts';
import { openDeadLetters } from '../../src/adapters/rabbitmq/dead-letter-queue.ts';
import { allLoginsOf } from '../../src/api/auth/all-logins.ts';
import type { Role } from '../../src/contracts/account.ts';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { call, signUp, type TestUser } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, seconds, signToken } from '../sign-token.ts';
import { until } from '../until.ts';

const JWT_SECRET = 'a secret of at least thirty-two bytes';
const RATES = { RATE_LOGIN_PER_MINUTE: '100000', RATE_READ_PER_MINUTE: '1000000' };
let env: Record<'REDIS_URL' | 'RABBITMQ_URL' | 'JWT_SECRET', string>;
let api: TestProcess;
beforeAll(async () => {
  env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl(), JWT_SECRET, ...RATES };
  api = await startApi(env);
});

const tokenOf = (claims: object) =>
  signToken({ header: { alg: 'HS256', typ: 'JWT' }, payload: goodClaims({ iat: seconds(), ...claims }) }, JWT_SECRET);
const send = async (method: string, path: string, token: string, body: object, url = api.url) => {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const reply = await call(url + path, { method, headers, body: JSON.stringify(body) });
  return { status: reply.status, body: reply.body as unknown as Erasure & { code?: string } };
};
const erasureOf = async (erasureId: string, url: string) =>
  (await call(`${url}/erasures/${erasureId}`)).body as unknown as Erasure;

test('a user without an account needs a token of a login that is a few minutes old, and the own userId', async () => {
  const sub = randomUUID();
  const stale = tokenOf({ sub, auth_time: seconds() - 700 });
  expect(await send('DELETE', '/account', stale, { confirm: sub })).toMatchObject({
    status: 403,
    body: { code: 'login_too_old' },
  });
  const old = tokenOf({ sub, iat: seconds() - 700 });
  expect((await send('DELETE', '/account', old, { confirm: sub })).body.code).toBe('login_too_old');
  const fresh = tokenOf({ sub, iat: seconds() - 700, auth_time: seconds() - 60 });
  expect((await send('DELETE', '/account', fresh, { confirm: 'somebody' })).body.code).toBe('validation_failed');
  const { body } = await send('DELETE', '/account', fresh, { confirm: sub });
  const receipt = await until('it is erased', async () => {
    const now = await erasureOf(body.erasureId, api.url);
    return now.state === 'erased' && now;
  });
  expect(receipt).toMatchObject({ userId: sub, requestedBy: 'user' });

  // The provider may give the same person another token later.
  await until(
    'tokens are refused',
    async () => (await send('POST', '/chat/send', fresh, { message: 'Hi' })).status === 401,
  );
  const redis = new Redis(env.REDIS_URL);
  await redis.zrem('auth:ended-logins', allLoginsOf(sub));
  const later = await startApi(env);
  const refused = await send('POST', '/chat/send', tokenOf({ sub, nbf: 0 }), { message: 'Hi' }, later.url);
  expect(refused).toMatchObject({ status: 403, body: { code: 'user_erased' } });
  redis.disconnect();
});

test('the last admin is told to make somebody else an admin before they erase themselves', async () => {
  const REDIS_URL = await testRedisUrl();
  const redis = new Redis(REDIS_URL);
  const installation = await startApi({ ...env, REDIS_URL });
  const store = createRedisAccountStore({ redis });
  const [admin, other] = [await signUp(installation.url), await signUp(installation.url)];
  const setRole = ({ userId }: TestUser, role: Role) => store.change(userId, (account) => ({ ...account, role }));
  await setRole(admin, 'admin');
  const erase = () => admin.delete('/account', { password: 'three-brown-otters' });
  expect(await erase()).toMatchObject({ status: 409, body: { code: 'last_admin' } });
  expect((await admin.get('/admin/me')).status).toBe(200);
  await setRole(other, 'admin');
  expect([200, 202]).toContain((await erase()).status);
  redis.disconnect();
});

test('an erasure that cannot be completed says why, and goes on in another process when this one is killed', async () => {
  const user = await signUp(api.url);
  const first = await startApi(env);
  // Somebody looks at the dead letters, so nobody else can.
  const letters = await openDeadLetters({ url: env.RABBITMQ_URL, tls: {}, queue: 'chat_requests', onLetter: () => {} });
  const { status, body } = await send(
    'DELETE',
    '/account',
    user.accessToken,
    { password: 'three-brown-otters' },
    first.url,
  );
  expect({ status, state: body.state }).toEqual({ status: 202, state: 'erasing' });
  await until('it says why', async () => {
    return (await erasureOf(body.erasureId, first.url)).waitsFor === 'dead_letters_in_use';
  });
  // The door is shut from the beginning.
  expect((await send('POST', '/auth/login', '', { email: 'x@example.com', password: 'x' })).status).toBe(401);
  await until('the token is refused', async () => (await user.history()).status === 401);
  await first.kill();
  await api.kill();
  await letters.close();
  const second = await startApi(env);
  const isErased = async () => (await erasureOf(body.erasureId, second.url)).state === 'erased';
  // The lease of the process that was killed must expire before another one takes the work.
  const redis = new Redis(env.REDIS_URL);
  for (const lease of await redis.keys('*:lease')) if (lease.includes('erasure')) await redis.pexpire(lease, 1);
  redis.disconnect();
  await until('another process has completed it', isErased);
});
