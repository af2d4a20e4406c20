import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisRefreshFamilyStore } from '../../../src/adapters/logins/redis-refresh-family-store.ts';
import { testRedisUrl } from '../../services.ts';
import { describeRefreshFamilyStore } from './refresh-family-store-contract.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

describeRefreshFamilyStore('Redis', async (ttlMs) => createRedisRefreshFamilyStore({ redis, ttlMs }));

test('a family that an earlier version kept without a secret gets one, which its next exchange writes down', async () => {
  const store = createRedisRefreshFamilyStore({ redis, ttlMs: 60_000 });
  await redis.hset('auth:refresh:old', { userId: 'u', hash: 'hash 0' });
  const { family } = (await store.find('old'))!;
  expect(family).toMatchObject({ userId: 'u', hash: 'hash 0', generation: 0, rotations: [] });
  expect(family.secret).toMatch(/^[\w-]{43}$/);
  await store.exchange('old', 'hash 0', { ...family, hash: 'hash 1', generation: 1 });
  expect((await store.find('old'))?.family.secret).toBe(family.secret);
});

test('without Redis every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const store = createRedisRefreshFamilyStore({ redis: gone, ttlMs: 1_000 });
  const family = { userId: 'u', hash: 'h', secret: 's', issuedAt: 0, generation: 0, rotations: [] };
  for (const use of [
    () => store.create('f', family),
    () => store.find('f'),
    () => store.exchange('f', 'h', family),
    () => store.list('u'),
    () => store.remove('f', 'u'),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  gone.disconnect();
});
