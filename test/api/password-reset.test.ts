import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Erasure } from '../../src/contracts/erasures.ts';
import { call, postJson, register } from '../api-client.ts';
import { type MailServer, startMailServer } from '../mail-server.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { readExport } from '../read-export.ts';
import { settingsForLogins } from '../settings-for-logins.ts';
import { until } from '../until.ts';

const NEW_PASSWORD = 'four-green-badgers';

let mailServer: MailServer;
let api: TestProcess;
let env: Record<string, string>;
let redis: Redis;
beforeAll(async () => {
  mailServer = await startMailServer();
  env = await settingsForLogins();
  redis = new Redis(env.REDIS_URL!);
  api = await startApi({
    ...env,
    ...mailServer.settings,
    PUBLIC_URL: 'https://chat.example.com/healify/',
  });
});
beforeEach(() => mailServer.refuse(0));
afterAll(async () => {
  await redis.quit();
  await mailServer.close();
});

const post = (path: string, body: unknown) => postJson(api.url + path, body);
const logIn = (email: string, password: string) => post('/auth/login', { email, password });
const reset = (token: string, newPassword = NEW_PASSWORD) => post('/auth/password/reset', { token, newPassword });

/** Asks for a link, and returns its token once the mail has come. */
async function tokenFor(email: string): Promise<string> {
  const before = mailServer.mails.length;
  await post('/auth/password/forgotten', { email });
  const mail = await until('the mail', () => mailServer.mails.slice(before).find(({ to }) => to === email));
  return /https:\/\/chat\.example\.com\/healify\/#\/reset\/([\w-]{43})/.exec(mail.text)![1]!;
}

test('who has forgotten the password chooses another one with the link in a mail, and all logins end', async () => {
  const { email, password } = await register(api.url);
  const { refreshToken } = (await logIn(email, password)).body as unknown as { refreshToken: string };
  expect((await reset(await tokenFor(email))).status).toBe(204);
  expect((await logIn(email, NEW_PASSWORD)).status).toBe(200);
  expect((await logIn(email, password)).status).toBe(401);
  expect((await post('/auth/refresh', { refreshToken })).status).toBe(401);
});

test('an email without an account gets the same reply, and no mail; nor does a disabled account', async () => {
  const [known, disabled] = [await register(api.url), await register(api.url)];
  const off = await startScript('src/main/users.ts', ['disable', '--email', disabled.email], env);
  await off.exited;
  const unknown = `${randomUUID()}@example.com`;
  const replies = [];
  for (const email of [unknown, disabled.email, known.email])
    replies.push(await post('/auth/password/forgotten', { email }));
  expect(replies.map(({ status, body }) => [status, body])).toEqual(Array.from({ length: 3 }, () => [202, undefined]));
  // The mail of the known one was asked for last.
  await until('its mail', () => mailServer.mails.some(({ to }) => to === known.email));
  expect(mailServer.mails.filter(({ to }) => to === unknown || to === disabled.email)).toEqual([]);
});

test('a user is given the links that were mailed, but for their secrets; who is erased leaves none', async () => {
  const { email, password } = await register(api.url);
  const tokens = [await tokenFor(email), await tokenFor(email)];
  const { body } = await logIn(email, password);
  const user = body as unknown as { userId: string; accessToken: string };
  const given = await readExport({ url: api.url, accessToken: user.accessToken });
  expect(given.end).toMatchObject({ complete: true, counts: { links: 2 } });
  const link = { purpose: 'password_reset', email, askedAt: expect.stringMatching(/Z$/), secrets: ['link'] };
  expect(given.items('links')).toEqual([expect.objectContaining(link), expect.objectContaining(link)]);
  for (const token of tokens) expect(given.text).not.toContain(token);
  expect(given.text).not.toMatch(/auth:reset/);

  const other = await register(api.url);
  const others = await tokenFor(other.email);
  const headers = { Authorization: `Bearer ${user.accessToken}`, 'Content-Type': 'application/json' };
  const erased = await call(`${api.url}/account`, { method: 'DELETE', headers, body: JSON.stringify({ password }) });
  const { erasureId } = erased.body as unknown as Erasure;
  const receipt = await until('it is erased', async () => {
    const now = (await call(`${api.url}/erasures/${erasureId}`)).body as unknown as Erasure;
    return now.state === 'erased' && now;
  });
  expect(receipt.kinds.find(({ kind }) => kind === 'links')).toMatchObject({ found: 2, erased: 2, left: 0 });
  // A hash of the email stays for a day, so that nobody is sent mails without end.
  const left = await Promise.all(
    (await redis.keys('auth:*')).map(async (key) => ((await redis.type(key)) === 'string' ? redis.get(key) : '')),
  );
  expect(left.join()).not.toContain(email);
  for (const token of tokens) expect((await reset(token)).body.code).toBe('reset_invalid');
  expect((await reset(others)).status).toBe(204);
});

test('a link works once, and one that was made up does not', async () => {
  const { email } = await register(api.url);
  const token = await tokenFor(email);
  expect((await reset('a'.repeat(43))).body.code).toBe('reset_invalid');
  const replies = await Promise.all([reset(token), reset(token)]);
  expect(replies.map(({ status }) => status).sort()).toEqual([204, 403]);
});

test('a password that is refused leaves the link as it is', async () => {
  const { email } = await register(api.url);
  const token = await tokenFor(email);
  expect((await reset(token, 'password1234')).body.code).toBe('password_too_weak');
  expect((await reset(token)).status).toBe(204);
});

test('once the password has changed, an older link does not work', async () => {
  const { email } = await register(api.url);
  const [older, newer] = [await tokenFor(email), await tokenFor(email)];
  expect((await reset(newer)).status).toBe(204);
  expect((await reset(older, 'five-yellow-ravens')).body.code).toBe('reset_invalid');
});

test('nobody can use a link from what Redis has, and it expires', async () => {
  const { email } = await register(api.url);
  const token = await tokenFor(email);
  for (const key of await redis.keys('auth:reset:*')) {
    expect(key + (await redis.get(key))).not.toContain(token);
    const ttlMs = await redis.pttl(key);
    expect([ttlMs > 0, ttlMs <= 30 * 60_000]).toEqual([true, true]);
    await redis.del(key);
  }
  expect((await reset(token)).body.code).toBe('reset_invalid');
});

test('nobody floods a mailbox: who asks again and again gets the same reply, and no more mails', async () => {
  const { email } = await register(api.url);
  const statuses = [];
  for (let i = 0; i < 6; i++) statuses.push((await post('/auth/password/forgotten', { email })).status);
  expect(new Set(statuses)).toEqual(new Set([202]));
  const { email: other } = await register(api.url);
  await tokenFor(other);
  await until('the mails that were sent', () => mailServer.mails.filter(({ to }) => to === email).length === 3);
});

test('a mail server that refuses for now is asked again, and the log names nobody', async () => {
  const { email } = await register(api.url);
  mailServer.refuse(1);
  expect((await reset(await tokenFor(email))).status).toBe(204);
  expect(api.output()).toContain('a mail could not be sent yet');
  expect(api.output()).not.toContain(email);
});

test('a page can see whether a password can be reset by mail, and is told if it cannot', async () => {
  const without = await startApi(env);
  expect((await call(`${api.url}/auth/options`)).body).toMatchObject({ passwordReset: true });
  expect((await call(`${without.url}/auth/options`)).body).toMatchObject({ passwordReset: false });
  const asked = await postJson(`${without.url}/auth/password/forgotten`, { email: 'a@example.com' });
  expect(asked).toMatchObject({ status: 404, body: { code: 'not_found' } });
});
