import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAdminSessionStore } from '../../../src/adapters/logins/redis-admin-session-store.ts';
import { testRedisUrl } from '../../services.ts';
import { describeAdminSessionStore } from './admin-session-store-contract.ts';

let opened: Redis | undefined;
afterAll(() => opened?.quit());

describeAdminSessionStore('Redis', async () => {
  opened = new Redis(await testRedisUrl());
  return createRedisAdminSessionStore({ redis: opened });
});

test('without Redis every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const store = createRedisAdminSessionStore({ redis: gone });
  for (const use of [
    () => store.begin('s', { userId: 'u', role: 'admin', endsAt: 1 }, 1_000),
    () => store.extend('s', 1_000),
    () => store.find('s'),
    () => store.end('s'),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  gone.disconnect();
});
