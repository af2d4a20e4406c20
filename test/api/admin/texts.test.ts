import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import type { AuditEntry } from '../../../src/adapters/audit/audit-store.ts';
import { createRedisAuditStore } from '../../../src/adapters/audit/redis-audit-store.ts';
import type { StaffRole } from '../../../src/contracts/admin-rights.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { signUp, type TestUser } from '../../api-client.ts';
import { bury } from '../../dead-letters.ts';
import { startApi, type TestProcess } from '../../processes.ts';
import { startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';

const QUESTION = 'Is the marker of this test a secret?';
const REASON = 'The patient asked about this answer, case 4711.';

let api: TestProcess;
let redis: Redis;
let ann: TestUser;
let sessionId: string;
const people = {} as Record<StaffRole, TestUser>;
beforeAll(async () => {
  const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  api = await startApi({ ...env, RATE_LOGIN_PER_MINUTE: '1000' });
  redis = new Redis(env.REDIS_URL);
  const accounts = createRedisAccountStore({ redis });
  for (const role of ['operator', 'privacy_officer', 'admin'] as const) {
    people[role] = await signUp(api.url);
    await accounts.change(people[role].userId, (account) => ({ ...account, role }));
  }
  ann = await signUp(api.url);
  ({ sessionId } = (await ann.send({ message: QUESTION })).body);
  const client = await startQueueClient(env.RABBITMQ_URL);
  await bury(client, 'chat_requests', [1]);
});
afterAll(() => redis.quit());

async function viewsBy(user: TestUser): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const { text } of createRedisAuditStore({ redis }).read(1)) found.push(JSON.parse(text));
  return found.filter(
    ({ action, actor }) => action.startsWith('text.') && actor.kind === 'user' && actor.userId === user.userId,
  );
}

const view = (user: TestUser, body: object = {}) =>
  user.post('/admin/texts/conversation', { userId: ann.userId, sessionId, reason: REASON, ...body });

test('a privacy officer reads a conversation with a reason, which the audit trail has before the text is shown', async () => {
  const officer = people.privacy_officer;
  expect(await view(officer)).toMatchObject({
    status: 200,
    body: { sessionId, userId: ann.userId, turns: [{ question: QUESTION, answer: null }], nextCursor: null },
  });
  const [begun, done] = await viewsBy(officer);
  const filter = { userId: ann.userId };
  expect(begun).toMatchObject({
    ...{ action: 'text.view', outcome: 'begun', subject: { kind: 'session', id: sessionId } },
    details: { reason: REASON, by: 'role', filter },
  });
  expect(done).toMatchObject({ id: begun!.id, outcome: 'done', details: { count: 1 } });
  expect(JSON.stringify(await viewsBy(officer))).not.toContain('marker');
});

test.each([
  ['without a reason', { reason: undefined }, 400],
  ['with a reason that says nothing', { reason: 'because' }, 400],
  ['with blanks for a reason', { reason: ' '.repeat(20) }, 400],
  ['in the name of another user', { userId: randomUUID() }, 404],
  ['of a conversation that is not there', { sessionId: randomUUID() }, 404],
])('nothing is shown %s', async (_, body, status) => {
  const reply = await view(people.privacy_officer, body);
  expect(reply.status).toBe(status);
  expect(JSON.stringify(reply.body)).not.toContain('marker');
});

test('nobody else reads texts: no operator, no admin, no user', async () => {
  for (const user of [people.operator, people.admin, ann]) {
    expect(await view(user)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await viewsBy(user)).toEqual([]);
  }
});

test('a dead letter is read in the same way', async () => {
  const officer = people.privacy_officer;
  const listed = (await officer.get('/admin/dead-letters/chat_requests/messages')).body as unknown as {
    letters: { messageId: string }[];
  };
  const { messageId } = listed.letters[0]!;
  const letter = { queue: 'chat_requests', messageId };
  expect((await officer.post('/admin/texts/dead-letter', letter)).status).toBe(400);
  const shown = await officer.post('/admin/texts/dead-letter', { ...letter, reason: REASON });
  expect(shown).toMatchObject({ status: 200, body: { messageId, encoding: 'utf-8', body: expect.any(String) } });
  const unknown = { ...letter, messageId: randomUUID(), reason: REASON };
  expect((await officer.post('/admin/texts/dead-letter', unknown)).status).toBe(404);
  const views = (await viewsBy(officer)).slice(-4);
  expect(views.map(({ outcome, details }) => details?.code ?? outcome)).toEqual([
    'begun',
    'done',
    'begun',
    'not_found',
  ]);
  expect(views[0]).toMatchObject({ subject: { kind: 'queue', id: 'chat_requests.dlq' } });
});

test('in an emergency an operator takes access, which is recorded, counted for an alert, and ends', async () => {
  const { operator } = people;
  expect((await operator.post('/admin/texts/access', {})).status).toBe(400);
  expect((await people.privacy_officer.post('/admin/texts/access', { reason: REASON })).status).toBe(403);
  const { body } = await operator.post('/admin/texts/access', { reason: REASON });
  const { until } = body as unknown as { until: string };
  expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(30 * 60_000);
  const me = (await operator.get('/admin/me')).body as unknown as { may: string[]; textAccessUntil: string };
  expect(me.may).toContain('POST /admin/texts/conversation');
  expect(Date.parse(me.textAccessUntil)).toBeGreaterThan(Date.now());
  expect((await view(operator)).status).toBe(200);
  const metrics = await (await fetch(api.metricsUrl)).text();
  expect(metrics).toMatch(/^healify_emergency_text_access_total\{.*\} 1$/m);
  const recorded = await viewsBy(operator);
  expect(recorded.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    ...['text.access begun', 'text.access done', 'text.view begun', 'text.view done'],
  ]);
  expect(recorded[0]).toMatchObject({ details: { reason: REASON, until } });
  expect(recorded[2]).toMatchObject({ details: { by: 'emergency_access' } });
  // Its time is over.
  await redis.del(redisKeys.textAccess(operator.userId));
  expect((await view(operator)).status).toBe(403);
});
