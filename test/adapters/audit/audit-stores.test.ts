import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { BEFORE_THE_FIRST, chain } from '../../../src/adapters/audit/chain.ts';
import { createMongoDbAuditStore } from '../../../src/adapters/audit/mongodb-audit-store.ts';
import { createRedisAuditStore } from '../../../src/adapters/audit/redis-audit-store.ts';
import { testMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { testRedisUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { describeAuditStore, someEvent } from './audit-store-contract.ts';

const opened: Redis[] = [];
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

describeAuditStore('Redis', async () => {
  const redis = new Redis(await testRedisUrl());
  opened.push(redis);
  return createRedisAuditStore({ redis });
});

withMongoDb('with MongoDB', () => {
  describeAuditStore('MongoDB', async () => createMongoDbAuditStore({ db: await testMongoDb([]) }));
});

test('without its server every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const entries = chain(BEFORE_THE_FIRST, [{ id: 'i1', at: '2026-01-01T00:00:00.000Z', ...someEvent }], undefined);
  for (const store of [createRedisAuditStore({ redis: gone }), createMongoDbAuditStore({ db: unreachableMongoDb() })]) {
    for (const use of [
      () => store.head(),
      () => store.append(BEFORE_THE_FIRST, entries),
      () => store.read(1)[Symbol.asyncIterator]().next(),
      () => store.removeBefore(2),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
    }
  }
  gone.disconnect();
});
