import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisIdempotencyKeys } from '../../../src/adapters/idempotency-keys/redis-idempotency-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { describeIdempotencyKeys } from './idempotency-keys-contract.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

describeIdempotencyKeys('Redis', async (ttlMs) => createRedisIdempotencyKeys({ redis, ttlMs }));

const claim = { sessionId: 's', requestId: 'r', fingerprint: 'f' };

test('Redis itself forgets a key after its time', async () => {
  await createRedisIdempotencyKeys({ redis, ttlMs: 60_000 }).claim('u6', 'k', claim);
  const [key] = await redis.keys('chat:idempotency:u6:*');
  expect(await redis.pttl(key!)).toBeGreaterThan(50_000);
  expect(await redis.pttl(key!)).toBeLessThanOrEqual(60_000);
});

test('without Redis a claim says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const keys = createRedisIdempotencyKeys({ redis: gone, ttlMs: 1_000 });
  await expect(keys.claim('u', 'k', claim)).rejects.toMatchObject({ code: 'store_unavailable' });
  gone.disconnect();
});
