import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AuditEntry } from '../../src/adapters/audit/audit-store.ts';
import { createRedisAuditStore } from '../../src/adapters/audit/redis-audit-store.ts';
import { postJson, register, type TestUser, userWith } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { newMasterKey } from '../seals.ts';
import { settingsForLogins } from '../settings-for-logins.ts';
import { codeOf, setUpSecondFactor } from '../totp.ts';
import { until } from '../until.ts';

const PASSWORD = 'three-brown-otters';

let api: TestProcess;
let env: Record<string, string>;
let redis: Redis;
beforeAll(async () => {
  env = {
    ...(await settingsForLogins()),
    ENCRYPTION_KEYS: newMasterKey(),
    STAFF_SECOND_FACTOR: 'required',
    TRUST_PROXY: '1',
  };
  redis = new Redis(env.REDIS_URL!);
  api = await startApi(env);
});
afterAll(() => redis.quit());

interface Credentials {
  email: string;
  password: string;
}

const logIn = (credentials: Credentials, totp?: string, address = '203.0.113.1') =>
  postJson(`${api.url}/auth/login`, { ...credentials, ...(totp && { totp }) }, { 'X-Forwarded-For': address });

async function loggedIn(credentials: Credentials, totp?: string, { url } = api): Promise<TestUser> {
  const { status, body } = await logIn(credentials, totp);
  expect([status, body]).toEqual([200, expect.anything()]);
  const { userId, accessToken } = body as unknown as { userId: string; accessToken: string };
  return userWith(url, userId, accessToken);
}

async function person() {
  const credentials = await register(api.url);
  return { credentials, user: await loggedIn(credentials) };
}

/** Runs `npm run users`, and returns what it printed. */
async function users(...args: string[]): Promise<string> {
  const child = await startScript('src/main/users.ts', args, { ...env, SECRET: PASSWORD });
  await child.exited;
  expect([child.exitCode, child.exitCode === 0 ? '' : child.output()]).toEqual([0, '']);
  return child.output();
}

async function staff(role: string): Promise<Credentials> {
  const email = `${randomUUID()}@example.com`;
  await users('add', '--email', email, '--role', role, '--password-env', 'SECRET');
  return { email, password: PASSWORD };
}

/** What the audit trail has about the second factor of somebody, once there are so many entries. */
async function trailOf(userId: string, count: number): Promise<string[]> {
  const its = async () => {
    const found: string[] = [];
    for await (const { text } of createRedisAuditStore({ redis }).read(1)) {
      const { subject, action, outcome, actor, details = {} } = JSON.parse(text) as AuditEntry;
      if (subject?.id === userId && action === 'account.second_factor')
        found.push([outcome, actor.kind, details.after, details.code].filter(Boolean).join(' '));
    }
    return found;
  };
  await until(`${count} entries`, async () => (await its()).length >= count);
  return its();
}

test('who sets up an authenticator app needs its code at every login from then on, and all other logins end', async () => {
  const { credentials, user } = await person();
  const elsewhere = await loggedIn(credentials);
  expect((await user.get('/auth/second-factor')).body).toEqual({ setUpAt: null, recoveryCodes: 0, required: false });
  expect((await user.post('/auth/second-factor', { password: 'not the password' })).body.code).toBe('wrong_password');
  const begun = await user.post('/auth/second-factor', { password: credentials.password });
  expect(begun.status).toBe(201);
  const { uri } = begun.body as unknown as { uri: string };
  expect(uri).toMatch(/^otpauth:\/\/totp\/healify-chat/);
  expect((await user.post('/auth/second-factor/confirm', { totp: 'abcdef' })).body.code).toBe('wrong_code');
  // It is not confirmed.
  expect((await logIn(credentials)).status).toBe(200);
  const confirmed = await user.post('/auth/second-factor/confirm', { totp: codeOf(uri) });
  expect((confirmed.body as unknown as { recoveryCodes: string[] }).recoveryCodes).toHaveLength(10);
  await until('the other login ends', async () => (await elsewhere.get('/me')).status === 401);
  expect((await user.get('/auth/second-factor')).body).toEqual({
    setUpAt: expect.any(String),
    recoveryCodes: 10,
    required: false,
  });

  expect(await logIn(credentials)).toMatchObject({ status: 401, body: { code: 'second_factor_required' } });
  const wrong = { ...credentials, password: 'not the password' };
  expect((await logIn(wrong, codeOf(uri, 1))).body.code).toBe('invalid_credentials');
  expect((await logIn(credentials, codeOf(uri, 1))).status).toBe(200);
  expect(await trailOf(user.userId, 2)).toEqual(['refused user set_up wrong_code', 'done user set_up']);
  expect((await user.post('/auth/second-factor', { password: credentials.password })).body.code).toBe(
    'second_factor_exists',
  );
});

test('a code counts once, also if it is sent twice at the same time', async () => {
  const { credentials, user } = await person();
  const { uri } = await setUpSecondFactor(user, credentials.password);
  const replies = await Promise.all(
    ['203.0.113.2', '203.0.113.3'].map((each) => logIn(credentials, codeOf(uri, 1), each)),
  );
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 403]);
  expect(await logIn(credentials, codeOf(uri, 1))).toMatchObject({ status: 403, body: { code: 'wrong_code' } });
});

test('a recovery code counts once in the place of a code, as people type it; new ones replace those that are left', async () => {
  const { credentials, user } = await person();
  const { recoveryCodes } = await setUpSecondFactor(user, credentials.password);
  const [first, second, third] = recoveryCodes;
  expect(first).toMatch(/^[a-z2-7]{6}(-[a-z2-7]{6}){3}$/);
  expect((await logIn(credentials, ` ${first!.toUpperCase().replaceAll('-', ' ')} `)).status).toBe(200);
  expect((await logIn(credentials, first)).body.code).toBe('wrong_code');
  const { password } = credentials;
  const replaced = await user.post('/auth/second-factor/recovery-codes', { password, totp: second });
  const codes = (replaced.body as unknown as { recoveryCodes: string[] }).recoveryCodes;
  expect((await logIn(credentials, third)).body.code).toBe('wrong_code');
  expect((await logIn(credentials, codes[0])).status).toBe(200);
  expect(await trailOf(user.userId, 5)).toEqual(
    expect.arrayContaining(['done user recovery_code_used', 'done user recovery_codes_replaced']),
  );
});

test('who removes the second factor needs a code of it, and logs in with the password alone again', async () => {
  const { credentials, user } = await person();
  const { recoveryCodes } = await setUpSecondFactor(user, credentials.password);
  const { password } = credentials;
  const remove = (body: unknown) => user.delete('/auth/second-factor', body);
  expect((await remove({ password })).body.code).toBe('validation_failed');
  expect((await remove({ password, totp: '000' })).body.code).toBe('wrong_code');
  expect((await remove({ password: 'not the password', totp: recoveryCodes[0] })).body.code).toBe('wrong_password');
  expect((await remove({ password, totp: recoveryCodes[0] })).status).toBe(204);
  expect((await logIn(credentials)).status).toBe(200);
  const codes = await user.post('/auth/second-factor/recovery-codes', { password, totp: recoveryCodes[1] });
  expect(codes.body.code).toBe('not_found');
});

test('staff without a second factor may do only what a user may, and everything of their role once they have one', async () => {
  const credentials = await staff('operator');
  const operator = await loggedIn(credentials);
  expect((await operator.get('/me')).body).toMatchObject({ roles: ['user'] });
  expect(await operator.get('/admin/me')).toMatchObject({ status: 403, body: { code: 'second_factor_missing' } });
  const form = await fetch(`${api.url}/admin/login`, { method: 'POST', body: new URLSearchParams({ ...credentials }) });
  expect(form.status).toBe(403);
  expect(await form.text()).toContain('Your role needs an authenticator app');

  const { uri } = await setUpSecondFactor(operator, credentials.password);
  expect((await operator.get('/auth/second-factor')).body).toMatchObject({ required: true });
  expect((await operator.get('/admin/me')).body).toMatchObject({ role: 'operator' });
  const logInToPages = (totp: string) =>
    fetch(`${api.url}/admin/login`, {
      method: 'POST',
      body: new URLSearchParams({ ...credentials, totp }),
      redirect: 'manual',
    });
  const without = await logInToPages('');
  expect(await without.text()).toContain('needs the code of your authenticator app');
  const allowed = await logInToPages(codeOf(uri, 1));
  expect([allowed.status, allowed.headers.get('location')]).toEqual([303, '/admin']);

  const optional = await startApi({ ...env, STAFF_SECOND_FACTOR: 'optional' });
  const other = await loggedIn(await staff('operator'));
  expect((await other.get('/admin/me')).status).toBe(403);
  expect((await other.at(optional.url).get('/admin/me')).status).toBe(200);
});

test('an operator of the server sets up an app for somebody, and takes it away from who has lost it', async () => {
  const credentials = await staff('operator');
  const printed = await users('enroll-totp', '--email', credentials.email);
  const uri = /otpauth:\S+/.exec(printed)![0];
  expect((await logIn(credentials)).body.code).toBe('second_factor_required');
  const operator = await loggedIn(credentials, codeOf(uri));
  expect((await operator.get('/admin/me')).status).toBe(200);
  expect(await users('show', '--email', credentials.email)).toContain('with a second factor');
  await users('reset-totp', '--email', credentials.email);
  await until('the login ends', async () => (await operator.get('/admin/me')).status === 401);
  expect((await (await loggedIn(credentials)).get('/admin/me')).body.code).toBe('second_factor_missing');
  const done = ['set_up', 'removed'].flatMap((after) => [`begun command ${after}`, `done command ${after}`]);
  expect(await trailOf(operator.userId, 4)).toEqual(done);
});

test('an admin takes away the second factor of others, and not their own', async () => {
  const credentials = await staff('admin');
  const admin = await loggedIn(credentials);
  await setUpSecondFactor(admin, credentials.password);
  const { credentials: lost, user } = await person();
  await setUpSecondFactor(user, lost.password);
  const path = '/admin/accounts/reset-second-factor';
  expect((await admin.post('/admin/accounts/find', { email: lost.email })).body).toMatchObject({
    secondFactorAt: expect.any(String),
  });
  expect((await admin.post(path, { email: lost.email })).body).toMatchObject({ secondFactorAt: null });
  expect((await logIn(lost)).status).toBe(200);
  expect(await admin.post(path, { email: credentials.email })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
});

test('nobody can read the secret or the recovery codes from what the store has', async () => {
  const { credentials, user } = await person();
  const { secret, recoveryCodes } = await setUpSecondFactor(user, credentials.password);
  const kept = await redis.get(`auth:user:${user.userId}`);
  expect(kept).toContain('"sealed"');
  for (const each of [secret, recoveryCodes[0]!, recoveryCodes[0]!.replaceAll('-', '')])
    expect(kept).not.toContain(each);
});

test('who knows the password cannot guess codes from many addresses', async () => {
  const { credentials, user } = await person();
  await setUpSecondFactor(user, credentials.password);
  const replies = [];
  for (let each = 10; each < 20; each++) replies.push(await logIn(credentials, '123', `198.51.100.${each}`));
  expect(replies.filter(({ status }) => status === 403).length).toBeLessThan(9);
  const refused = replies.find(({ status }) => status === 429);
  expect(refused?.body.code).toBe('rate_limited');
});

/** Logs in to the admin's pages, and returns a function that asks who is logged in there. */
async function adminPages(credentials: Credentials, totp: string): Promise<() => Promise<number>> {
  const body = new URLSearchParams({ ...credentials, totp });
  const reply = await fetch(`${api.url}/admin/login`, { method: 'POST', body, redirect: 'manual' });
  expect(reply.status).toBe(303);
  const [cookie] = reply.headers.getSetCookie();
  return async () => (await fetch(`${api.url}/admin/me`, { headers: { Cookie: cookie!.split(';')[0]! } })).status;
}

test.each([
  ['the second factor was taken away', 'reset-totp'],
  ['all logins were ended', 'end-logins'],
  ['the account was disabled', 'disable'],
])('a login to the admin’s pages is over for ever once %s', async (_, command) => {
  const credentials = await staff('operator');
  const { email } = credentials;
  const { uri } = await setUpSecondFactor(await loggedIn(credentials), credentials.password);
  const status = await adminPages(credentials, codeOf(uri, 1));
  expect(await status()).toBe(200);
  await users(command, '--email', email);
  if (command === 'disable') await users('enable', '--email', email);
  if (command === 'reset-totp') await setUpSecondFactor(await loggedIn(credentials), credentials.password);
  expect(await status()).toBe(401);
});
