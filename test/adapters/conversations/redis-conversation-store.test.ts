import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { UnreadableCursor } from '../../../src/adapters/conversations/conversation-store.ts';
import { readFirstOpenTurn } from '../../../src/adapters/conversations/open-turns.ts';
import { createRedisConversationStore } from '../../../src/adapters/conversations/redis-conversation-store.ts';
import { createRedisFeedbackStore } from '../../../src/adapters/conversations/redis-feedback-store.ts';
import { createSafeWrites } from '../../../src/adapters/redis/safe-writes.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { testSeals } from '../../test-seals.ts';
import { describeConversationStore } from './conversation-store-contract.ts';
import { describeFeedbackStore } from './feedback-store-contract.ts';
import { responseTo } from './response-to.ts';
import { describeSessionList } from './session-list-contract.ts';

const DAY_MS = 24 * 3_600_000;
const opened: Redis[] = [];
const connect = async () => {
  const redis = new Redis(await testRedisUrl());
  opened.push(redis);
  return redis;
};
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

for (const [name, sealsIn] of [
  ['Redis', () => plainTexts],
  ['Redis with encryption', testSeals],
] as const) {
  const makeStores = async () => {
    const own = await connect();
    const shared = { redis: own, seals: sealsIn(own), retentionMs: 365 * DAY_MS };
    return {
      conversations: createRedisConversationStore({ ...shared, replica: 'test' }),
      feedback: createRedisFeedbackStore(shared),
    };
  };
  const makeStore = async () => (await makeStores()).conversations;
  describeConversationStore(name, makeStore);
  describeSessionList(name, makeStore);
  describeFeedbackStore(name, makeStores);
}

let redis: Redis;
beforeAll(async () => {
  redis = await connect();
});

const turn = () => ({
  sessionId: randomUUID(),
  userId: randomUUID(),
  requestId: randomUUID(),
  message: 'How?',
  createdAt: new Date().toISOString(),
  dueInMs: 900_000,
});

test('a session is under the key that other services know, as JSON that says whose it is and when it changed', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  const one = turn();
  const { sessionId, userId, requestId, createdAt } = one;
  const stored = async () => JSON.parse((await redis.get(`chat:session:${sessionId}`))!);
  await store.begin(one, { newSession: true });
  expect(await stored()).toEqual({
    sessionId,
    userId,
    title: 'How?',
    status: 'accepting',
    createdAt,
    updatedAt: createdAt,
  });
  await store.confirm(sessionId, requestId, { hurry: true });
  const page = await store.session(sessionId, userId, { limit: 1 });
  expect(await stored()).toEqual({ userId, ...page!.session });
});

test('what is kept expires after the retention, and what was never accepted within the hour', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: 90 * DAY_MS, replica: 'test' });
  const one = turn();
  await store.begin(one, { newSession: true });
  const keys = [`chat:session:${one.sessionId}`, `{chat:session:${one.sessionId}}:turns`];
  for (const key of keys) {
    const ttl = await redis.pttl(key);
    expect(ttl).toBeGreaterThan(3_500_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
  }
  await store.confirm(one.sessionId, one.requestId, { hurry: true });
  for (const key of [...keys, `chat:history:${one.userId}`]) {
    expect(await redis.pttl(key)).toBeGreaterThan(89 * DAY_MS);
  }
});

test('an erased session leaves only the note that it was erased', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  const one = turn();
  await store.begin(one, { newSession: true });
  await store.confirm(one.sessionId, one.requestId, { hurry: true });
  await store.settle([responseTo(one)]);
  const feedback = createRedisFeedbackStore({ seals: plainTexts, redis, retentionMs: DAY_MS });
  await feedback.rate(one, {
    rating: 'up',
    reason: null,
    comment: null,
    ratedAt: one.createdAt,
    model: null,
    provider: null,
  });
  await store.markErased(one.sessionId, one.userId, (await store.erase(one.sessionId, one.userId))!);
  const left = (await redis.keys('*')).filter((key) => key.includes(one.sessionId) || key.includes(one.userId));
  expect(left).toEqual([`{chat:session:${one.sessionId}}:erased`]);
  expect(await redis.pttl(left[0]!)).toBeGreaterThan(0);
  for (const key of ['chat:open-turns', 'chat:erasures', 'chat:feedback', `chat:history:${one.userId}`]) {
    expect((await redis.zrange(key, '0', '-1')).filter((member) => member.includes(one.sessionId))).toEqual([]);
  }
});

test('a session of the previous version, whose turns have no index, can be read, continued and erased', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  const { sessionId, userId, createdAt } = turn();
  const session = { sessionId, userId, status: 'queued', requestId: 'r10', createdAt, updatedAt: createdAt };
  await redis.set(`chat:session:${sessionId}`, JSON.stringify(session), 'PX', DAY_MS);
  const turns = `{chat:session:${sessionId}}:turns`;
  for (let i = 0; i <= 10; i++) {
    const answer = JSON.stringify({ status: 'completed', response: `Answer ${i}` });
    await redis.hset(turns, `r${i}:q`, `${i} ${JSON.stringify({ message: `Question ${i}`, createdAt })}`);
    await redis.hset(turns, i < 10 ? { [`r${i}:a`]: answer } : { [`r${i}:s`]: 'queued' });
  }
  const readTurns = async (page: { limit: number; cursor?: string }) => {
    const found = await store.session(sessionId, userId, page);
    return { ids: found!.turns.map(({ requestId }) => requestId), next: found!.nextCursor };
  };
  const newest = await readTurns({ limit: 3 });
  expect(newest.ids).toEqual(['r8', 'r9', 'r10']);
  expect((await readTurns({ limit: 100, cursor: newest.next! })).ids).toHaveLength(8);

  const next = { ...turn(), sessionId, userId, requestId: 'r11' };
  await store.begin(next, { newSession: false });
  await store.confirm(sessionId, 'r11', { hurry: true });
  expect((await readTurns({ limit: 2 })).ids).toEqual(['r10', 'r11']);
  expect((await store.session(sessionId, userId, { limit: 1 }))!.session.title).toBe('Question 0');
  expect((await store.erase(sessionId, userId))!.requestIds).toHaveLength(12);
});

test('a question added to a session of the version before is numbered after the others, read or not', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  const { sessionId, userId, createdAt } = turn();
  const session = { sessionId, userId, status: 'completed', requestId: 'old', createdAt, updatedAt: createdAt };
  await redis.set(`chat:session:${sessionId}`, JSON.stringify(session), 'PX', DAY_MS);
  await redis.hset(`{chat:session:${sessionId}}:turns`, {
    'old:q': `0 ${JSON.stringify({ message: 'Old', createdAt })}`,
    'old:a': JSON.stringify({ status: 'completed', response: 'Answer' }),
  });
  await store.begin({ ...turn(), sessionId, userId, requestId: 'new' }, { newSession: false });
  await store.confirm(sessionId, 'new', { hurry: true });
  const seen = (await store.session(sessionId, userId, { limit: 5 }))!;
  expect(seen.turns.map(({ requestId }) => requestId)).toEqual(['old', 'new']);
});

test.each(['read', 'added to'])(
  'a list of sessions that an earlier version did not keep is made when it is first %s',
  async (when) => {
    const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
    const { userId } = turn();
    const asked = [];
    for (let i = 0; i < 3; i++) {
      const one = { ...turn(), userId, createdAt: new Date(Date.now() - 10_000 + i).toISOString() };
      await store.begin(one, { newSession: true });
      await store.confirm(one.sessionId, one.requestId, { hurry: true });
      asked.unshift(one.sessionId);
    }
    await redis.del(`{chat:history:${userId}}:sessions`);
    if (when === 'added to') {
      const next = { ...turn(), userId, sessionId: asked[2]! };
      await store.begin(next, { newSession: false });
      asked.unshift(asked.pop()!);
    }
    const { sessions } = await store.sessions(userId, { limit: 5 });
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual(asked);
    expect(await redis.pttl(`{chat:history:${userId}}:sessions`)).toBeGreaterThan(DAY_MS / 2);
  },
);

test('a session of the previous version, which had a status, can be begun or continued as before', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  for (const [status, canBegin, canContinue] of [
    ['accepting', 'begun', 'not_found'],
    ['queued', 'taken', 'begun'],
    ['failed', 'taken', 'begun'],
  ] as const) {
    const { sessionId, userId, createdAt } = turn();
    const key = `chat:session:${sessionId}`;
    const kept = { sessionId, userId, status, requestId: 'old', createdAt, updatedAt: createdAt };
    await redis.set(key, JSON.stringify(kept), 'PX', DAY_MS);
    await redis.hset(`{${key}}:turns`, {
      'old:q': `0 ${JSON.stringify({ message: 'Old', createdAt })}`,
      'old:s': status === 'accepting' ? 'accepting' : 'queued',
      '0:n': 'old',
      'index:n': '1 1',
    });
    const continues = { ...turn(), sessionId, userId };
    expect(await store.begin(continues, { newSession: false })).toBe(canContinue);
    expect(await store.begin({ ...turn(), sessionId, userId }, { newSession: true })).toBe(canBegin);

    await store.confirm(sessionId, 'old', { hurry: true });
    await store.confirm(sessionId, continues.requestId, { hurry: true });
    const { updatedAt } = (await store.session(sessionId, userId, { limit: 1 }))!.session;
    expect(JSON.parse((await redis.get(key))!)).toEqual({
      ...{ sessionId, userId, createdAt, updatedAt },
      ...(canBegin === 'begun' && { title: 'How?' }),
    });
  }
});

test('a cursor that no page of the session has given is refused, and costs nothing, however large it is', async () => {
  const store = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  const one = turn();
  await store.begin(one, { newSession: true });
  await store.confirm(one.sessionId, one.requestId, { hurry: true });
  for (const cursor of ['-1', '0', '2', '500', '999999999']) {
    await expect(store.session(one.sessionId, one.userId, { limit: 1, cursor })).rejects.toThrow(UnreadableCursor);
  }
});

test('without Redis every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const store = createRedisConversationStore({ seals: plainTexts, redis: gone, retentionMs: DAY_MS, replica: 'test' });
  const one = turn();
  for (const use of [
    () => store.begin(one, { newSession: true }),
    () => store.confirm(one.sessionId, one.requestId, { hurry: true }),
    () => store.session(one.sessionId, one.userId, { limit: 5 }),
    () => store.history(one.userId, { limit: 5 }),
    () => store.erase(one.sessionId, one.userId),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  gone.disconnect();
});

test('the open question that must be answered first is found with the time when it was asked; one that was refused does not count', async () => {
  const own = await connect();
  const store = createRedisConversationStore({ seals: plainTexts, redis: own, retentionMs: DAY_MS, replica: 'test' });
  expect(await readFirstOpenTurn(own)).toBeUndefined();
  const refused = Array.from({ length: 120 }, () => ({ ...turn(), dueInMs: 500 }));
  const [late, early] = [turn(), { ...turn(), createdAt: '2026-01-02T03:04:05.678Z', dueInMs: 1_000 }];
  for (const each of [...refused, late, early]) await store.begin(each, { newSession: true });
  expect(await readFirstOpenTurn(own)).toBeUndefined();
  for (const { sessionId, requestId } of [late, early]) await store.confirm(sessionId, requestId, { hurry: true });
  expect(await readFirstOpenTurn(own)).toBe(Date.parse(early.createdAt));
  await store.settle([responseTo(early)]);
  expect(await readFirstOpenTurn(own)).toBe(Date.parse(late.createdAt));
});

test('what a primary that was replaced does not have is found where writes are safe', async () => {
  const [replaced, primary] = await Promise.all([connect(), connect()]);
  const { logger } = captureLog();
  const safeWrites = createSafeWrites({ redis: primary, fsync: false, replicas: 0, timeoutMs: 1_000, logger });
  const shared = { seals: plainTexts, retentionMs: DAY_MS, replica: 'test' };
  const store = createRedisConversationStore({ ...shared, redis: replaced, safeWrites });
  const one = turn();
  const { sessionId, userId, requestId } = one;
  expect(await store.begin(one, { newSession: true })).toBe('begun');
  await createRedisConversationStore({ ...shared, redis: primary }).confirm(sessionId, requestId, { hurry: true });
  expect((await store.session(sessionId, userId, { limit: 10 }))?.turns).toMatchObject([{ requestId }]);
  expect(await store.turn({ sessionId, requestId, userId })).toMatchObject({ requestId });
  expect(await store.unsettled(sessionId, userId)).toMatchObject([{ requestId }]);
  expect(await store.sessionOf(requestId, userId)).toBe(sessionId);
});

test('an end that only a replaced primary has is not shown while it may be lost', async () => {
  const [replaced, primary] = await Promise.all([connect(), connect()]);
  const { logger } = captureLog();
  const safeWrites = createSafeWrites({ redis: primary, fsync: false, replicas: 0, timeoutMs: 1_000, logger });
  const shared = { seals: plainTexts, retentionMs: DAY_MS, replica: 'test' };
  const store = createRedisConversationStore({ ...shared, redis: replaced, safeWrites });
  const [before, after] = [replaced, primary].map((redis) => createRedisConversationStore({ ...shared, redis }));
  const shown = async ({ sessionId, requestId, userId }: ReturnType<typeof turn>) => {
    const turns = [
      (await store.session(sessionId, userId, { limit: 10 }))?.turns[0],
      await store.turn({ sessionId, requestId, userId }),
      (await store.history(userId, { limit: 10 })).turns[0],
    ];
    return turns.map((each) => each?.answer?.status);
  };
  const [fresh, old] = [turn(), turn()];
  for (const each of [fresh, old]) {
    for (const conversations of [before!, after!]) {
      await conversations.begin(each, { newSession: true });
      await conversations.confirm(each.sessionId, each.requestId, { hurry: true });
    }
  }
  const endedAt = (ms: number) => ({ completedAt: new Date(Date.now() - ms).toISOString() });
  await before!.settle([
    { ...responseTo(fresh), ...endedAt(0) },
    { ...responseTo(old), ...endedAt(3_600_000) },
  ]);
  expect(await shown(fresh)).toEqual([undefined, undefined, undefined]);
  // Replicas have had it for long, so nothing is waited for.
  expect(await shown(old)).toEqual(['completed', 'completed', 'completed']);
});
