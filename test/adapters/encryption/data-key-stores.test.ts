import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createMongoDbDataKeyStore } from '../../../src/adapters/encryption/mongodb-data-key-store.ts';
import { createRedisDataKeyStore } from '../../../src/adapters/encryption/redis-data-key-store.ts';
import { createSafeWrites } from '../../../src/adapters/redis/safe-writes.ts';
import { captureLog } from '../../captured-log.ts';
import { testMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { testRedisUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { describeDataKeyStore } from './data-key-store-contract.ts';

let redis: Redis | undefined;
afterAll(() => redis?.quit());

describeDataKeyStore('Redis', async () => {
  redis = new Redis(await testRedisUrl());
  return createRedisDataKeyStore({ redis });
});

withMongoDb('with MongoDB', () => {
  describeDataKeyStore('MongoDB', async () => createMongoDbDataKeyStore({ db: await testMongoDb([]) }));
});

test('without its server every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  for (const store of [
    createRedisDataKeyStore({ redis: gone }),
    createMongoDbDataKeyStore({ db: unreachableMongoDb() }),
  ]) {
    for (const use of [
      () => store.read(['user:a']),
      () => store.add([{ owner: 'user:a', key: { master: 'k1', key: 'a' } }]),
      () => store.destroy('user:a'),
      () => store.masterKeys(),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
    }
  }
  gone.disconnect();
});

test('a key that a failover may lose is not given out', async () => {
  const connection = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  // This Redis has no replica.
  const { logger } = captureLog();
  const safeWrites = createSafeWrites({ redis: connection, fsync: false, replicas: 1, timeoutMs: 100, logger });
  const store = createRedisDataKeyStore({ redis: connection, safeWrites });
  await expect(store.add([{ owner: 'user:a', key: { master: 'k1', key: 'a' } }])).rejects.toMatchObject({
    code: 'store_unavailable',
  });
  connection.disconnect();
});
