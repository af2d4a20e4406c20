import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { type Role, roles } from '../../../src/contracts/account.ts';
import { adminRights } from '../../../src/contracts/admin-rights.ts';
import { signUp, type TestUser } from '../../api-client.ts';
import { startApi } from '../../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';

let redis: Redis;
const people = {} as Record<Role, TestUser>;
let setRole: (user: TestUser, role: Role) => Promise<void>;
let emailOf: (user: TestUser) => Promise<string>;

beforeAll(async () => {
  const REDIS_URL = await testRedisUrl();
  const api = await startApi({ REDIS_URL, RABBITMQ_URL: await testRabbitMqUrl(), RATE_LOGIN_PER_MINUTE: '1000' });
  redis = new Redis(REDIS_URL);
  const store = createRedisAccountStore({ redis });
  setRole = async ({ userId }, role) => void (await store.change(userId, (account) => ({ ...account, role })));
  emailOf = async ({ userId }) => (await store.byId(userId))!.email;
  for (const role of roles) {
    people[role] = await signUp(api.url);
    await setRole(people[role], role);
  }
});

afterAll(() => redis.quit());

const send = (user: TestUser, right: string) => {
  const [method, pattern] = right.split(' ') as [string, string];
  const path = pattern.replace('{queue}', 'chat_requests').replace(/\{\w+\}/g, randomUUID());
  return method === 'GET' ? user.get(path) : user.post(path, { dryRun: true });
};

test.each(Object.entries(adminRights))('%s: only those may whose role may', async (right, allowed) => {
  for (const role of roles) {
    const { status, body } = await send(people[role], right);
    const may = (allowed as readonly Role[]).includes(role);
    expect({ role, refused: status === 403 }).toEqual({ role, refused: !may });
    if (!may) expect(body.code).toBe('forbidden');
    expect(status).not.toBe(500);
  }
});

test('everybody at /admin is told who they are and what they may do', async () => {
  const { body } = await people.operator.get('/admin/me');
  const operating = Object.entries(adminRights).filter(([, allowed]) =>
    (allowed as readonly Role[]).includes('operator'),
  );
  expect(body).toMatchObject({ userId: people.operator.userId, role: 'operator' });
  expect([...(body as unknown as { may: string[] }).may].sort()).toEqual(operating.map(([right]) => right).sort());
});

test('a role that is taken away counts from the next request on', async () => {
  await setRole(people.operator, 'user');
  expect((await people.operator.get('/admin/jobs')).status).toBe(403);
  await setRole(people.operator, 'operator');
  expect((await people.operator.get('/admin/jobs')).status).toBe(200);
});

test('an admin gives others a role, and nobody gives themselves one', async () => {
  const email = await emailOf(people.user);
  const given = await people.admin.post('/admin/accounts/role', { email, role: 'operator' });
  expect(given).toMatchObject({ status: 200, body: { email, role: 'operator' } });
  expect((await people.user.get('/admin/jobs')).status).toBe(200);
  await people.admin.post('/admin/accounts/role', { email, role: 'user' });
  expect((await people.user.get('/admin/jobs')).status).toBe(403);
  const own = { email: await emailOf(people.admin), role: 'privacy_officer' };
  expect(await people.admin.post('/admin/accounts/role', own)).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
});
