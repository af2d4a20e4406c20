import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AccountStore } from '../../../src/adapters/accounts/account-store.ts';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { createRedisAuditStore } from '../../../src/adapters/audit/redis-audit-store.ts';
import { noNotices } from '../../../src/api/auth/account-notices.ts';
import { createAccountAdmin } from '../../../src/api/auth/manage-accounts.ts';
import { type Account, isEnabledAdmin } from '../../../src/contracts/account.ts';
import type { AccountList, ListedAccount } from '../../../src/contracts/http/admin-account-bodies.ts';
import { postJson, register, signUp, type TestUser } from '../../api-client.ts';
import { startApi, type TestProcess } from '../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
let store: AccountStore;
let api: TestProcess;
let admin: TestUser;
beforeAll(async () => {
  const REDIS_URL = await testRedisUrl();
  api = await startApi({ REDIS_URL, RABBITMQ_URL: await testRabbitMqUrl(), RATE_LOGIN_PER_MINUTE: '1000' });
  redis = new Redis(REDIS_URL);
  store = createRedisAccountStore({ redis });
  admin = await newAdmin();
});
afterAll(() => redis.quit());

async function newAdmin(): Promise<TestUser> {
  const user = await signUp(api.url);
  await store.change(user.userId, (account) => ({ ...account, role: 'admin' }));
  return user;
}

async function newAccount(fields: Partial<Account> = {}): Promise<Account> {
  const account: Account = {
    ...{ userId: randomUUID(), email: `${randomUUID()}@example.com`, passwordHash: 'a hash', role: 'user' },
    createdAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  };
  await store.create(account);
  return account;
}

async function list(body: object = {}): Promise<AccountList> {
  const reply = await admin.post('/admin/accounts/list', body);
  expect([reply.status, reply.body]).toEqual([200, expect.anything()]);
  return reply.body as unknown as AccountList;
}

/** All pages of a list. */
async function all(body: object): Promise<ListedAccount[]> {
  const found: ListedAccount[] = [];
  let cursor: string | null = null;
  do {
    const page: AccountList = await list({ ...body, ...(cursor !== null && { cursor }) });
    found.push(...page.accounts);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}

test('an admin lists accounts page by page, each once, in the order of their emails', async () => {
  const part = randomUUID();
  const accounts = [];
  for (const name of ['c', 'a', 'd', 'b', 'e'])
    accounts.push(await newAccount({ email: `${name}-${part}@example.com` }));
  const first = await list({ search: part.toUpperCase(), limit: 2 });
  expect(first.accounts.map(({ email }) => email![0])).toEqual(['a', 'b']);
  expect(first.nextCursor).toEqual(expect.any(String));
  const found = await all({ search: part, limit: 2 });
  expect(found.map(({ email }) => email![0])).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(found[0]).toEqual({
    ...{ userId: accounts[1]!.userId, email: `a-${part}@example.com`, atProvider: false, role: 'user', tenantId: null },
    ...{ createdAt: '2026-01-01T00:00:00.000Z', disabledAt: null, secondFactorAt: null, lastLoginAt: null },
  });
  expect((await list({ search: part, limit: 5 })).nextCursor).toBeNull();
  const everybody = await all({ limit: 3 });
  expect(new Set(everybody.map(({ userId }) => userId)).size).toBe(everybody.length);
  expect(everybody.map(({ userId }) => userId)).toEqual(expect.arrayContaining(accounts.map(({ userId }) => userId)));
});

test('a list can be narrowed by role, state and second factor, and a whole email finds its account only', async () => {
  const part = randomUUID();
  const at = '2026-01-02T00:00:00.000Z';
  const secondFactor = { confirmedAt: at, lastStep: 0, recoveryCodes: [] };
  const operator = await newAccount({ email: `op-${part}@example.com`, role: 'operator', secondFactor });
  const disabled = await newAccount({ email: `off-${part}@example.com`, disabledAt: at });
  const begun = await newAccount({
    email: `begun-${part}@example.com`,
    secondFactor: { lastStep: 0, recoveryCodes: [] },
  });
  const there = await newAccount({
    ...{ email: `oidc:${part}`, passwordHash: undefined, role: 'privacy_officer' },
    provider: { confirmedAt: at, email: `Paul-${part}@clinic.example` },
  });
  const idsOf = async (body: object) => (await all({ search: part, ...body })).map(({ userId }) => userId).sort();
  const sorted = (...accounts: Account[]) => accounts.map(({ userId }) => userId).sort();
  expect(await idsOf({})).toEqual(sorted(operator, disabled, begun, there));
  expect(await idsOf({ role: 'operator' })).toEqual(sorted(operator));
  expect(await idsOf({ state: 'disabled' })).toEqual(sorted(disabled));
  expect(await idsOf({ state: 'enabled', secondFactor: false })).toEqual(sorted(begun, there));
  expect(await idsOf({ secondFactor: true })).toEqual(sorted(operator));
  expect(await idsOf({ search: disabled.email.toUpperCase() })).toEqual(sorted(disabled));
  expect(await idsOf({ search: disabled.email, role: 'admin' })).toEqual([]);
  expect(await idsOf({ search: `paul-${part}@CLINIC` })).toEqual(sorted(there));
});

test.each([
  { limit: 0 },
  { limit: 101 },
  { role: 'boss' },
  { search: '' },
  { cursor: 'x'.repeat(2_000) },
  { other: 1 },
])('a list that is asked for with %j is refused', async (body) => {
  expect((await admin.post('/admin/accounts/list', body)).body.code).toBe('validation_failed');
});

test('one call looks at a bounded number of accounts, and the next one goes on', async () => {
  const redisOfItsOwn = new Redis(await testRedisUrl());
  await redisOfItsOwn.flushdb();
  const many = createRedisAccountStore({ redis: redisOfItsOwn });
  for (let i = 0; i < 2_100; i++) {
    const email = `${String(i).padStart(4, '0')}@example.com`;
    await many.create({
      userId: `u${i}`,
      email,
      role: i === 2_050 ? 'operator' : 'user',
      createdAt: '2026-01-01T00:00:00Z',
    });
  }
  const logins = { list: async () => [], endAll: async () => 0 };
  const accounts = createAccountAdmin({ store: many, logins, notices: noNotices });
  const first = await accounts.list({ role: 'operator', limit: 10 });
  expect(first).toEqual({ accounts: [], nextCursor: expect.any(String) });
  const second = await accounts.list({ role: 'operator', limit: 10, cursor: first.nextCursor! });
  expect(second).toMatchObject({ accounts: [{ userId: 'u2050' }], nextCursor: null });
  await redisOfItsOwn.quit();
});

test('the audit trail has that a list was shown, and no part of an email', async () => {
  const part = `Part-${randomUUID()}`;
  await newAccount({ email: `${part.toLowerCase()}@example.com` });
  await list({ search: part, state: 'enabled' });
  const entries = async () => {
    const found: string[] = [];
    for await (const { text } of createRedisAuditStore({ redis }).read(1)) found.push(text);
    return found;
  };
  const filter = { state: 'enabled', searched: true, limit: 50 };
  const mine = await until('the entry', async () =>
    (await entries()).map((text) => JSON.parse(text)).find(({ details }) => isDeepStrictEqual(details?.filter, filter)),
  );
  expect(mine).toMatchObject({
    ...{ action: 'account.list', actor: { userId: admin.userId, role: 'admin' } },
    details: { count: 1 },
  });
  for (const text of [...(await entries()), api.output()]) expect(text.toLowerCase()).not.toContain(part.toLowerCase());
});

test('a list says when somebody last logged in, to the API or to the admin’s pages', async () => {
  const credentials = await register(api.url);
  const lastLogin = async () => (await list({ search: credentials.email })).accounts[0]!.lastLoginAt;
  expect(await lastLogin()).toBeNull();
  const before = new Date().toISOString();
  expect((await postJson(`${api.url}/auth/login`, { ...credentials, password: 'not the one' })).status).toBe(401);
  expect(await lastLogin()).toBeNull();
  expect((await postJson(`${api.url}/auth/login`, credentials)).status).toBe(200);
  const first = (await lastLogin())!;
  expect(first >= before).toBe(true);
  const { userId } = (await list({ search: credentials.email })).accounts[0]!;
  await store.change(userId, (account) => ({ ...account, role: 'operator' }));
  const body = new URLSearchParams(credentials);
  expect((await fetch(`${api.url}/admin/login`, { method: 'POST', body, redirect: 'manual' })).status).toBe(303);
  expect((await lastLogin())! > first).toBe(true);
});

test('nobody disables, demotes or erases themselves, so there is always an admin', async () => {
  const { userId } = admin;
  for (const [path, body] of [
    ['disable', {}],
    ['role', { role: 'user' }],
    ['erase', {}],
    ['reset-second-factor', {}],
  ] as const) {
    const reply = await admin.post(`/admin/accounts/${path}`, { userId, ...body });
    expect([path, reply.status, reply.body.code]).toEqual([path, 403, 'forbidden']);
  }
  expect((await admin.post('/admin/accounts/erase', { userId, dryRun: true })).status).toBe(200);
  expect((await admin.get('/admin/me')).status).toBe(200);
});

test.each(['role', 'disable', 'erase'])('two admins who %s each other at the same moment leave one', async (what) => {
  for (let round = 0; round < 5; round++) {
    const [one, other] = [await newAdmin(), await newAdmin()];
    const path = `/admin/accounts/${what}`;
    const against = ({ userId }: TestUser) => ({ userId, ...(what === 'role' && { role: 'user' }) });
    await Promise.all([one.post(path, against(other)), other.post(path, against(one))]);
    const left = [];
    for (const { userId } of [one, other]) {
      const account = await store.byId(userId);
      if (account && isEnabledAdmin(account)) left.push(userId);
    }
    expect(left.length).toBeGreaterThanOrEqual(1);
  }
});

test('an admin who is none any more changes nothing', async () => {
  const [one, other] = [await newAccount({ role: 'admin' }), await newAccount({ role: 'admin' })];
  const logins = { list: async () => [], endAll: async () => 0 };
  const accounts = createAccountAdmin({ store, logins, notices: noNotices });
  await accounts.setRole(one.userId, 'user', other.userId);
  await expect(accounts.setRole(other.userId, 'user', one.userId)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(accounts.disable(other.userId, one.userId)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await store.byId(other.userId)).toMatchObject({ role: 'admin' });
  expect((await store.byId(other.userId))!.disabledAt).toBeUndefined();
});

test('everybody at /admin is told under which email they are logged in', async () => {
  const { email } = (await store.byId(admin.userId))!;
  expect((await admin.get('/admin/me')).body).toMatchObject({ email, role: 'admin' });
});
