import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { testRedisUrl } from '../../services.ts';
import { describeAccountStore } from './account-store-contract.ts';

let opened: Redis | undefined;
afterAll(() => opened?.quit());

describeAccountStore('Redis', async () => {
  opened = new Redis(await testRedisUrl());
  return createRedisAccountStore({ redis: opened });
});

test('without Redis every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const store = createRedisAccountStore({ redis: gone });
  for (const use of [
    () => store.byEmail('a@example.com'),
    () => store.byId('u1'),
    () => store.change('u1', (account) => account),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  gone.disconnect();
});
