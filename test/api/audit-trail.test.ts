import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AuditEntry, AuditStore } from '../../src/adapters/audit/audit-store.ts';
import { createRedisAuditStore } from '../../src/adapters/audit/redis-audit-store.ts';
import { verifyEntries } from '../../src/adapters/audit/verify-entries.ts';
import { postJson, userWith } from '../api-client.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

const AUDIT_KEYS = 'the-key-of-this-test-which-is-long-enough';
const PASSWORD = 'three-brown-otters';

let api: TestProcess;
let redis: Redis;
let store: AuditStore;
let env: Record<string, string>;
beforeAll(async () => {
  const redisUrl = await testRedisUrl();
  env = { REDIS_URL: redisUrl, AUDIT_KEYS, RABBITMQ_URL: await testRabbitMqUrl(), RATE_LOGIN_PER_MINUTE: '1000' };
  api = await startApi(env);
  redis = new Redis(redisUrl);
  store = createRedisAuditStore({ redis });
});
afterAll(() => redis.quit());

async function entries(): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const { text } of store.read(1)) found.push(JSON.parse(text));
  return found;
}

/** The entries about an account, once there are so many. Entries of logins are written after the reply. */
async function about(userId: string, count: number): Promise<AuditEntry[]> {
  const its = async () => (await entries()).filter(({ subject }) => subject?.id === userId);
  await until(`${count} entries`, async () => (await its()).length >= count);
  return its();
}

const short = ({ action, outcome, actor, details = {} }: AuditEntry) =>
  [action, outcome, actor.kind, details.code ?? details.by ?? details.after].filter(Boolean).join(' ');

async function person(role?: string) {
  const email = `${randomUUID()}@example.com`;
  const credentials = { email, password: PASSWORD };
  if (role) await users('add', email, '--role', role, '--password-env', 'SECRET');
  else await postJson(`${api.url}/auth/register`, credentials);
  const { body } = await postJson(`${api.url}/auth/login`, credentials);
  const { userId, accessToken, refreshToken } = body as unknown as Record<string, string>;
  return { email, credentials, refreshToken, ...userWith(api.url, userId!, accessToken!) };
}

async function users(command: string, email: string, ...more: string[]) {
  const child = await startScript('src/main/users.ts', [command, '--email', email, ...more], {
    ...env,
    SECRET: PASSWORD,
  });
  await child.exited;
  expect(child.exitCode).toBe(0);
}

test('what somebody does with their own account is recorded, with its address and without their email', async () => {
  const ann = await person();
  await postJson(`${api.url}/auth/login`, { ...ann.credentials, password: 'not the password' });
  await ann.post('/auth/password', { currentPassword: 'not the password', newPassword: 'four-brown-otters' });
  await ann.post('/auth/password', { currentPassword: PASSWORD, newPassword: 'four-brown-otters' });
  await postJson(`${api.url}/auth/logout`, { refreshToken: ann.refreshToken });
  const found = await about(ann.userId, 6);
  expect(found.map(short)).toEqual(
    expect.arrayContaining([
      ...['account.register done user', 'login done user api', 'login refused anonymous invalid_credentials'],
      ...[
        'account.password refused user wrong_password',
        'account.password done user',
        'login.end done user refresh_token',
      ],
    ]),
  );
  for (const { address, at } of found) expect([address, Date.parse(at)]).toEqual(['127.0.0.1', expect.any(Number)]);
  expect(JSON.stringify(await entries())).not.toContain(ann.email);
});

test('a failed login whose account is unknown is recorded without a name', async () => {
  const email = `${randomUUID()}@example.com`;
  const before = (await entries()).length;
  await postJson(`${api.url}/auth/login`, { email, password: 'whatever-it-is' });
  const [entry] = await until('it is recorded', async () => {
    const found = (await entries()).slice(before).filter(({ action }) => action === 'login');
    return found.length > 0 && found;
  });
  expect(entry).toMatchObject({
    outcome: 'refused',
    actor: { kind: 'anonymous' },
    details: { code: 'invalid_credentials' },
  });
  expect(entry).not.toHaveProperty('subject');
  expect(JSON.stringify(entry)).not.toContain(email);
});

test('what admins and commands do with accounts is recorded, before it is done and after', async () => {
  const [admin, ann] = [await person('admin'), await person()];
  await admin.post('/admin/accounts/role', { email: ann.email, role: 'operator' });
  await admin.post('/admin/accounts/disable', { email: ann.email });
  await users('enable', ann.email);
  await users('set-role', ann.email, '--role', 'privacy_officer');
  await users('set-password', ann.email, '--password-env', 'SECRET');
  const done = (await about(ann.userId, 12)).slice(2);
  expect(done.map(short)).toEqual([
    ...['account.role begun user operator', 'account.role done user operator'],
    ...['account.disable begun user', 'account.disable done user'],
    ...['account.enable begun command', 'account.enable done command'],
    ...['account.role begun command privacy_officer', 'account.role done command privacy_officer'],
    ...['account.password begun command', 'account.password done command'],
  ]);
  expect(done[0]).toMatchObject({ actor: { userId: admin.userId, role: 'admin' }, details: { before: 'user' } });
  expect(done[1]!.id).toBe(done[0]!.id);
});

test('who tries at /admin what their role may not do is recorded, once a minute each', async () => {
  const [operator, ann] = [await person('operator'), await person()];
  const before = (await entries()).length;
  for (let n = 0; n < 3; n++) {
    expect((await ann.get('/admin/jobs/some-request')).status).toBe(403);
    expect((await operator.post('/admin/accounts/find', { email: ann.email })).status).toBe(403);
  }
  const refusals = await until('both are recorded', async () => {
    const found = (await entries()).slice(before).filter(({ action }) => action === 'right.refuse');
    return found.length > 1 && found;
  });
  expect(refusals).toMatchObject([
    { actor: { userId: ann.userId, role: 'user' }, details: { filter: { right: 'GET /admin/jobs/{requestId}' } } },
    { actor: { userId: operator.userId }, details: { filter: { right: 'POST /admin/accounts/find' } } },
  ]);
  for (const { address, outcome, details } of refusals)
    expect([address, outcome, details?.code]).toEqual(['127.0.0.1', 'refused', 'forbidden']);
});

test('while the trail cannot be written, admins change nothing, and people log in as soon as they can', async () => {
  const [operator, ann] = [await person('operator'), await person()];
  // Somebody has put something else in its place, in one step: what is written in between would be lost.
  await redis.multi().rename('audit:trail', 'audit:aside').set('audit:trail', 'no stream').exec();
  const paused = await operator.post('/admin/intake/pause');
  expect(paused.status).toBeGreaterThanOrEqual(500);
  expect((await operator.get('/admin/intake')).body).toMatchObject({ paused: false });
  expect((await postJson(`${api.url}/auth/login`, ann.credentials)).status).toBe(200);
  await redis.rename('audit:aside', 'audit:trail');
  await about(ann.userId, 3);
  expect((await operator.post('/admin/intake/pause')).body).toMatchObject({ changed: true });
  await operator.post('/admin/intake/resume');
});

test('the trail is unbroken, sealed, and its end is in the log', async () => {
  async function* texts() {
    for await (const { text } of store.read(1)) yield text;
  }
  const { entries: count } = await verifyEntries(texts(), { keys: [AUDIT_KEYS] });
  expect(count).toBeGreaterThan(20);
  const { number, hash } = await store.head();
  process.kill(api.pid, 'SIGTERM');
  await api.exited;
  expect(api.output()).toContain('this is the last entry of the audit trail');
  expect(api.output()).toContain(hash);
  expect(number).toBe(count);
});
