import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { call, postJson, userWith } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

const PASSWORD = 'three-brown-otters';

let byInvite: TestProcess;
let closed: TestProcess;
let env: Record<string, string>;
let redis: Redis;
beforeAll(async () => {
  env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_LOGIN_PER_MINUTE: '1000',
    JWT_SECRET: 'a secret of at least thirty-two bytes',
  };
  redis = new Redis(env.REDIS_URL!);
  [byInvite, closed] = await Promise.all([
    startApi({ ...env, REGISTRATION: 'invite' }),
    startApi({ ...env, REGISTRATION: 'closed' }),
  ]);
});
afterAll(() => redis.quit());

const newEmail = () => `${randomUUID()}@example.com`;
const register = (fields: Record<string, unknown>, { url }: TestProcess = byInvite) =>
  postJson(`${url}/auth/register`, { email: newEmail(), password: PASSWORD, ...fields });

async function command(...args: string[]) {
  const child = await startScript('src/main/users.ts', args, { ...env, PASSWORD });
  await child.exited;
  return child;
}

async function inviteOfCommand(): Promise<string> {
  const made = await command('invite');
  return /invite ([\w-]{43}), until /.exec(made.output())![1]!;
}

async function admin() {
  const email = newEmail();
  await command('add', '--email', email, '--password-env', 'PASSWORD', '--admin');
  const { body } = await postJson(`${byInvite.url}/auth/login`, { email, password: PASSWORD });
  const { userId, accessToken } = body as unknown as Record<string, string>;
  return userWith(byInvite.url, userId!, accessToken!);
}

test('a page can see who may make an account', async () => {
  expect(await call(`${byInvite.url}/auth/options`)).toMatchObject({ status: 200, body: { registration: 'invite' } });
  expect(await call(`${closed.url}/auth/options`)).toMatchObject({ status: 200, body: { registration: 'closed' } });
});

test('an email has at most 64 characters before the @, as the format in the OpenAPI document has it', async () => {
  const invite = await inviteOfCommand();
  const nameOf = (chars: number) => `${randomUUID()}${'x'.repeat(chars - 36)}@example.com`;
  expect(await register({ email: nameOf(65), invite })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'email' }] },
  });
  expect((await register({ email: nameOf(64), invite })).status).toBe(202);
});

test('where registration is closed nobody makes an account, and those who have one log in', async () => {
  const email = newEmail();
  const refused = await register({ email, invite: await inviteOfCommand() }, closed);
  expect(refused).toMatchObject({ status: 403, body: { code: 'registration_closed' } });
  await command('add', '--email', email, '--password-env', 'PASSWORD');
  expect((await postJson(`${closed.url}/auth/login`, { email, password: PASSWORD })).status).toBe(200);
});

test('an invite makes one account', async () => {
  const { status, body } = await (await admin()).post('/admin/accounts/invite');
  const { invite, expiresAt } = body as unknown as Record<string, string>;
  expect(status).toBe(201);
  expect(Date.parse(expiresAt!)).toBeGreaterThan(Date.now());
  const email = newEmail();
  expect((await register({ email, invite })).status).toBe(202);
  expect((await postJson(`${byInvite.url}/auth/login`, { email, password: PASSWORD })).status).toBe(200);
  expect(await register({ invite })).toMatchObject({ status: 403, body: { code: 'invite_invalid' } });
});

test('of many who send an invite at once, one gets an account', async () => {
  const invite = await inviteOfCommand();
  const replies = await Promise.all(Array.from({ length: 5 }, () => register({ invite })));
  expect(replies.map(({ status }) => status).sort()).toEqual([202, 403, 403, 403, 403]);
});

test.each([{}, { invite: 'a'.repeat(32) }])(
  'without an invite that was made, nobody gets an account: %j',
  async (fields) => {
    const email = newEmail();
    expect(await register({ email, ...fields })).toMatchObject({ status: 403, body: { code: 'invite_invalid' } });
    expect((await postJson(`${byInvite.url}/auth/login`, { email, password: PASSWORD })).status).toBe(401);
  },
);

test('a password that is refused does not use up the invite', async () => {
  const invite = await inviteOfCommand();
  expect((await register({ invite, password: 'password1234' })).body.code).toBe('password_too_weak');
  expect((await register({ invite })).status).toBe(202);
});

test('an email that has an account gets the same reply to an invite, which is used up as well', async () => {
  const email = newEmail();
  const first = await register({ email, invite: await inviteOfCommand() });
  const invite = await inviteOfCommand();
  const again = await register({ email, invite });
  expect([again.status, again.body]).toEqual([first.status, first.body]);
  expect((await register({ invite })).body.code).toBe('invite_invalid');
});

test('nobody can use an invite from what Redis has, and it expires', async () => {
  const invite = await inviteOfCommand();
  const keys = await redis.keys('auth:invite:*');
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) {
    expect(key + (await redis.get(key))).not.toContain(invite);
    const ttlMs = await redis.pttl(key);
    expect([ttlMs > 0, ttlMs <= 7 * 24 * 3_600_000]).toEqual([true, true]);
    // As if its time had passed.
    await redis.pexpire(key, 1);
  }
  await sleep(5);
  expect((await register({ invite })).body.code).toBe('invite_invalid');
});
