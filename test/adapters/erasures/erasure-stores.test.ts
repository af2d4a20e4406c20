import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createErasureWork } from '../../../src/adapters/erasures/erasure-work.ts';
import { createMongoDbErasureStore, erasureIndexes } from '../../../src/adapters/erasures/mongodb-erasure-store.ts';
import { createRedisErasureStore } from '../../../src/adapters/erasures/redis-erasure-store.ts';
import { idempotencyKeysOf, scanKeysOf } from '../../../src/adapters/erasures/scanned-keys.ts';
import { createRedisIdempotencyKeys } from '../../../src/adapters/idempotency-keys/redis-idempotency-keys.ts';
import { createRedisTicketStore } from '../../../src/adapters/logins/redis-ticket-store.ts';
import { createRedisRateLimit } from '../../../src/adapters/rate-limits/redis-rate-limit.ts';
import type { Erasure } from '../../../src/contracts/erasures.ts';
import { redisKeys, UNFINISHED_ERASURES_KEY } from '../../../src/contracts/redis-keys.ts';
import { testMongoDb } from '../../mongodb-connection.ts';
import { testRedisUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { describeErasureStore } from './erasure-store-contract.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

describeErasureStore('Redis', async (retentionMs) => createRedisErasureStore({ redis, retentionMs }));
withMongoDb('MongoDB', () => {
  describeErasureStore('MongoDB', async (retentionMs) =>
    createMongoDbErasureStore({ db: await testMongoDb(erasureIndexes), retentionMs }),
  );
});

test('an id that leads to no erasure holds up no other, and is forgotten after a while', async () => {
  const [store, now] = [createRedisErasureStore({ redis, retentionMs: 60_000 }), Date.now()];
  await redis.zadd(UNFINISHED_ERASURES_KEY, now - 120_000, 'of a process that died', now, 'just being saved');
  expect(await store.unfinished(2)).not.toContain('of a process that died');
  const left = await redis.zrange(UNFINISHED_ERASURES_KEY, '0', '-1');
  expect(left).not.toContain('of a process that died');
  expect(left).toContain('just being saved');
});

test('an erasure whose process died before it was written down is the one that begins next', async () => {
  const store = createRedisErasureStore({ redis, retentionMs: 60_000 });
  const erasure: Erasure = {
    ...{ erasureId: 'first', userId: 'u of a dead process', sessionId: null, requestedBy: 'user', state: 'erasing' },
    ...{ requestedAt: new Date().toISOString(), erasedAt: null, waitsFor: null, kinds: [] },
  };
  await redis.set(redisKeys.erasureOf(erasure.userId), 'first');
  expect(await store.begin({ ...erasure, erasureId: 'second' })).toEqual(erasure);
  expect(await store.unfinished(100)).toContain('first');
  expect(await store.ofUser(erasure.userId)).toEqual(erasure);
});

test('one process has the work on an erasure until it leaves it', async () => {
  const work = createErasureWork({ redis });
  expect(await work.take('e1', 'one', 60_000)).toBe(true);
  expect(await work.take('e1', 'other', 60_000)).toBe(false);
  expect(await work.take('e1', 'one', 60_000)).toBe(true);
  await work.leave('e1', 'other');
  expect(await work.take('e1', 'other', 60_000)).toBe(false);
  await work.leave('e1', 'one');
  expect(await work.take('e1', 'other', 60_000)).toBe(true);
});

test('traces are given as they were noted, however many', async () => {
  const work = createErasureWork({ redis });
  const traces = Array.from({ length: 50 }, (_, i) => ({ sessionId: `s${i}`, requestIds: [`r${i}`], answerKeys: [] }));
  await work.addTraces('e2', traces.slice(0, 30));
  await work.addTraces('e2', traces.slice(30));
  const given = [];
  for await (const trace of work.traces('e2')) given.push(trace);
  expect(given).toEqual(traces);
});

test('keys of a user are found, and none of a user whose id begins with the same', async () => {
  const keys = createRedisIdempotencyKeys({ redis, ttlMs: 60_000 });
  const tickets = createRedisTicketStore({ redis });
  const limit = createRedisRateLimit({ redis, name: 'send', perMinute: 10 });
  for (const userId of ['ann', 'ann:b', 'an']) {
    await keys.claim(userId, 'k', { sessionId: `s of ${userId}`, requestId: 'r', fingerprint: 'f' });
    await tickets.keep(`hash of ${userId}`, { userId, role: 'user', expiresAt: 0 }, 60_000);
    await limit.use(userId);
  }
  const found = await scanKeysOf(redis, 'ann');
  expect(found).toMatchObject({ rate_limits: ['rate:ann:send'], tickets: ['auth:ticket:hash of ann'] });
  await redis.set(redisKeys.signedIn('a hash'), JSON.stringify({ userId: 'ann' }));
  expect((await scanKeysOf(redis, 'ann')).tickets.sort()).toEqual(['auth:signed-in:a hash', 'auth:ticket:hash of ann']);
  expect(found.idempotency_keys).toEqual([expect.stringMatching(/^chat:idempotency:ann:[0-9a-f]{64}$/)]);
  expect(await idempotencyKeysOf(redis, 'ann', 's of ann')).toEqual(found.idempotency_keys);
  expect(await idempotencyKeysOf(redis, 'ann', 's of an')).toEqual([]);
});
