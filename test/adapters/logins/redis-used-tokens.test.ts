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

test('a token counts once, also if it comes several times at once, and again once it was given back', async () => {
  const tokens = createRedisUsedTokens({ redis });
  const uses = await Promise.all(Array.from({ length: 5 }, () => tokens.use('one', 60_000)));
  expect(uses.filter(Boolean)).toHaveLength(1);
  expect(await tokens.use('other', 60_000)).toBe(true);
  await tokens.giveBack('one');
  expect(await tokens.use('one', 60_000)).toBe(true);
});

test('it is remembered as long as the token counts, and no longer', async () => {
  const tokens = createRedisUsedTokens({ redis });
  await tokens.use('short', 60_000);
  const ttlMs = await redis.pttl(redisKeys.usedToken('short'));
  expect([ttlMs > 50_000, ttlMs <= 60_000]).toEqual([true, true]);
  await tokens.use('shorter', 50);
  await until('it is forgotten', async () => (await redis.exists(redisKeys.usedToken('shorter'))) === 0);
});
