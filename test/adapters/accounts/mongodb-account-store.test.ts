import { expect, test } from '@jest/globals';
import { accountIndexes, createMongoDbAccountStore } from '../../../src/adapters/accounts/mongodb-account-store.ts';
import { testMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { describeAccountStore } from './account-store-contract.ts';

withMongoDb('with MongoDB', () => {
  describeAccountStore('MongoDB', async () => createMongoDbAccountStore({ db: await testMongoDb(accountIndexes) }));
});

test('without MongoDB every method says that the store is out of reach', async () => {
  const store = createMongoDbAccountStore({ db: unreachableMongoDb() });
  for (const use of [
    () => store.byEmail('a@example.com'),
    () => store.byId('u1'),
    () => store.setRole('a@example.com', 'admin'),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
});
