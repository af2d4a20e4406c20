import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisLoginTries } from '../../../src/adapters/logins/redis-login-tries.ts';
import { testRedisUrl } from '../../services.ts';
import { describeLoginTries } from './login-tries-contract.ts';

let opened: Redis | undefined;
afterAll(() => opened?.quit());

describeLoginTries('Redis', async (rules) => {
  opened ??= new Redis(await testRedisUrl());
  return createRedisLoginTries({ redis: opened, rules });
});

test('without Redis a try is refused', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const rules = { free: 1, firstWaitMs: 1, longestWaitMs: 1, keepMs: 1 };
  const tries = createRedisLoginTries({ redis: gone, rules });
  await expect(tries.begin('k')).rejects.toMatchObject({ code: 'store_unavailable' });
  gone.disconnect();
});
