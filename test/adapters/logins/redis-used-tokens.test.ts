import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisUsedTokens } from '../../../src/adapters/logins/redis-used-tokens.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

test('a token is used once that was noted, and no other one', async () => {
  const tokens = createRedisUsedTokens({ redis });
  expect(await tokens.isUsed('one')).toBe(false);
  await tokens.noteUsed('one', 60_000);
  expect(await tokens.isUsed('one')).toBe(true);
  expect(await tokens.isUsed('other')).toBe(false);
});

test('it is remembered as long as the token counts, and no longer', async () => {
  const tokens = createRedisUsedTokens({ redis });
  await tokens.noteUsed('short', 60_000);
  const ttlMs = await redis.pttl(redisKeys.usedToken('short'));
  expect([ttlMs > 50_000, ttlMs <= 60_000]).toEqual([true, true]);
  await tokens.noteUsed('shorter', 50);
  await until('it is forgotten', async () => !(await tokens.isUsed('shorter')));
});
