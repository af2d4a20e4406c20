import { beforeAll, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import {
  createMongoDbRefreshFamilyStore,
  refreshFamilyIndexes,
} from '../../../src/adapters/logins/mongodb-refresh-family-store.ts';
import { testMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { isFerretDb, withMongoDb } from '../../with-mongodb.ts';
import { describeRefreshFamilyStore } from './refresh-family-store-contract.ts';

withMongoDb('with MongoDB', () => {
  let db: Db;
  beforeAll(async () => {
    db = await testMongoDb(refreshFamilyIndexes);
  });
  // FerretDB has no TTL index. So what these tests see expire is what readers no longer accept.
  // It also looks for a document first and changes it later, so two updates at once may both find it as it was.
  const makeStore = async (ttlMs: number) => createMongoDbRefreshFamilyStore({ db, ttlMs });
  describeRefreshFamilyStore('MongoDB', makeStore, { isAtomic: !isFerretDb() });
});

test('without MongoDB every method says that the store is out of reach', async () => {
  const store = createMongoDbRefreshFamilyStore({ db: unreachableMongoDb(), ttlMs: 1_000 });
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
});
