import { expect, test } from '@jest/globals';
import { accountIndexes, createMongoDbAccountStore } from '../../../src/adapters/accounts/mongodb-account-store.ts';
import { testMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { isFerretDb, withMongoDb } from '../../with-mongodb.ts';
import { describeAccountStore } from './account-store-contract.ts';

withMongoDb('with MongoDB', () => {
  const makeStore = async () => createMongoDbAccountStore({ db: await testMongoDb(accountIndexes) });
  // FerretDB looks for a document first and changes it later, so two changes at once may both find it as it was.
  describeAccountStore('MongoDB', makeStore, { isAtomic: !isFerretDb() });
});

test('without MongoDB every method says that the store is out of reach', async () => {
  const store = createMongoDbAccountStore({ db: unreachableMongoDb() });
  for (const use of [
    () => store.byEmail('a@example.com'),
    () => store.byId('u1'),
    () => store.change('u1', (account) => account),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
});
