import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisRateLimit } from '../../../src/adapters/rate-limits/redis-rate-limit.ts';
import { testRedisUrl } from '../../services.ts';
import { describeRateLimit } from './rate-limit-contract.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
  // A limit does not wait for a connection.
  await redis.ping();
});
afterAll(() => redis.quit());

describeRateLimit('Redis', async (name, perMinute) => createRedisRateLimit({ redis, name, perMinute }));

test('Redis itself ends the window, after a minute', async () => {
  const key = randomUUID();
  await createRedisRateLimit({ redis, name: 'send', perMinute: 5 }).use(key);
  expect(await redis.pttl(`rate:${key}:send`)).toBeGreaterThan(50_000);
  expect(await redis.pttl(`rate:${key}:send`)).toBeLessThanOrEqual(60_000);
});

test('without Redis a use says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const limit = createRedisRateLimit({ redis: gone, name: 'send', perMinute: 5 });
  await expect(limit.use('u')).rejects.toMatchObject({ code: 'store_unavailable' });
  gone.disconnect();
});
