import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { startApi, startScript, type TestProcess } from '../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

// Minutes pass in Redis and in the stored session, and not in the test: it changes the time that is left.

const IDLE_MS = 10 * 60_000;
const MAX_MS = 60 * 60_000;
const credentials = { email: 'admin@example.com', password: 'three-brown-otters' };
let redis: Redis;
let apis: [TestProcess, TestProcess];

beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    ADMIN_IDLE_TIMEOUT: '10m',
    ADMIN_SESSION_MAX: '1h',
  };
  redis = new Redis(env.REDIS_URL);
  const args = ['add', '--email', credentials.email, '--password-env', 'PASSWORD', '--admin'];
  const made = await startScript('src/main/users.ts', args, {
    REDIS_URL: env.REDIS_URL,
    PASSWORD: credentials.password,
  });
  await made.exited;
  apis = await Promise.all([startApi(env), startApi(env)]);
});
afterAll(() => redis?.disconnect());

/** Logs in at the first api. The session is the same at both. */
async function logIn() {
  const reply = await fetch(`${apis[0].url}/admin/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(credentials),
  });
  expect(reply.status).toBe(303);
  const [, sessionId, maxAge] = /healify_admin=([\w-]+); Max-Age=(\d+)/.exec(reply.headers.get('set-cookie')!)!;
  const key = redisKeys.adminSession(createHash('sha256').update(sessionId!).digest('hex'));
  const cookie = `healify_admin=${sessionId}`;
  return {
    key,
    cookie,
    maxAge: Number(maxAge),
    /** The status of a request of the operations page. */
    ask: async (api: TestProcess, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${api.url}/admin/gates`, { headers: { Cookie: cookie, ...headers } });
      await answer.text();
      return answer.status;
    },
    leftMs: () => redis.pttl(key),
  };
}

test('a login lasts while its person does something at any api, and what a page asks by itself does not prolong it', async () => {
  const { key, ask, leftMs } = await logIn();
  for (const [doing, asking] of [apis, [...apis].reverse() as typeof apis]) {
    await redis.pexpire(key, 60_000);
    expect(await ask(asking, { 'X-Background': '1' })).toBe(200);
    expect(await leftMs()).toBeLessThanOrEqual(60_000);
    expect(await ask(doing)).toBe(200);
    expect(await leftMs()).toBeGreaterThan(IDLE_MS - 60_000);
    expect(await leftMs()).toBeLessThanOrEqual(IDLE_MS);
  }
  await redis.pexpire(key, 1);
  await until('it has expired', async () => (await redis.exists(key)) === 0);
  for (const api of apis) expect(await ask(api)).toBe(401);
});

test('a login ends after its longest time, also for somebody who does something all the time', async () => {
  const { key, maxAge, ask, leftMs } = await logIn();
  expect(maxAge).toBe(MAX_MS / 1000);
  const session = JSON.parse((await redis.get(key))!) as { endsAt: number };
  expect(session.endsAt).toBeGreaterThan(Date.now() + MAX_MS - 60_000);
  expect(session.endsAt).toBeLessThanOrEqual(Date.now() + MAX_MS);

  const nearlyOver = { ...session, endsAt: Date.now() + 60_000 };
  await redis.set(key, JSON.stringify(nearlyOver), 'PX', IDLE_MS);
  for (const api of apis) {
    expect(await ask(api)).toBe(200);
    expect(await leftMs()).toBeLessThanOrEqual(60_000);
  }
  await redis.set(key, JSON.stringify({ ...session, endsAt: Date.now() - 1 }), 'PX', IDLE_MS);
  for (const api of apis) expect(await ask(api)).toBe(401);
});

test('who logs out at one api is logged out at the other, and only there where they logged in', async () => {
  const [here, elsewhere] = [await logIn(), await logIn()];
  expect(await here.ask(apis[0])).toBe(200);
  const left = await fetch(`${apis[1].url}/admin/logout`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Cookie: here.cookie },
  });
  expect(left.status).toBe(303);
  for (const api of apis) expect(await here.ask(api)).toBe(401);
  for (const api of apis) expect(await elsewhere.ask(api)).toBe(200);
});
