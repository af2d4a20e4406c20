import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisHistoryStore } from '../../../src/adapters/history/redis-history-store.ts';
import { testRedisUrl } from '../../services.ts';
import { describeHistoryStore } from './history-store-contract.ts';

const DAY_MS = 24 * 3_600_000;
const opened: Redis[] = [];
const connect = async () => {
  const redis = new Redis(await testRedisUrl());
  opened.push(redis);
  return redis;
};
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

describeHistoryStore('Redis', async () =>
  createRedisHistoryStore({ redis: await connect(), retentionMs: 365 * DAY_MS, replica: 'test' }),
);

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
});

test('a session is under the key that other services know, as JSON that says whose it is and how it stands', async () => {
  const store = createRedisHistoryStore({ redis, retentionMs: DAY_MS, replica: 'test' });
  const { sessionId, userId, requestId, message, createdAt } = turn();
  await store.begin({ sessionId, userId, requestId, message, createdAt }, { newSession: true });
  await store.confirm(sessionId, requestId, { hurry: true });
  expect(JSON.parse((await redis.get(`chat:session:${sessionId}`))!)).toMatchObject({
    sessionId,
    userId,
    status: 'queued',
    createdAt,
  });
});

test('what is kept expires after the retention, and what was never accepted within the hour', async () => {
  const store = createRedisHistoryStore({ redis, retentionMs: 90 * DAY_MS, replica: 'test' });
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
  const store = createRedisHistoryStore({ redis, retentionMs: DAY_MS, replica: 'test' });
  const one = turn();
  await store.begin(one, { newSession: true });
  await store.confirm(one.sessionId, one.requestId, { hurry: true });
  await store.erase(one.sessionId, one.userId);
  const left = (await redis.keys('*')).filter((key) => key.includes(one.sessionId) || key.includes(one.userId));
  expect(left).toEqual([`{chat:session:${one.sessionId}}:erased`]);
  expect(await redis.pttl(left[0]!)).toBeGreaterThan(0);
});

test('without Redis every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const store = createRedisHistoryStore({ redis: gone, retentionMs: DAY_MS, replica: 'test' });
  const one = turn();
  for (const use of [
    () => store.begin(one, { newSession: true }),
    () => store.confirm(one.sessionId, one.requestId, { hurry: true }),
    () => store.session(one.sessionId, one.userId),
    () => store.history(one.userId, { limit: 5 }),
    () => store.erase(one.sessionId, one.userId),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  gone.disconnect();
});
