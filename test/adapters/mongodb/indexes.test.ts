import { expect, test } from '@jest/globals';
import { createIndexes, WrongIndexError } from '../../../src/adapters/mongodb/indexes.ts';
import { openMongoDb, testMongoDb } from '../../mongodb-connection.ts';
import { testMongoDbUrl } from '../../services.ts';
import { isFerretDb, withMongoDb } from '../../with-mongodb.ts';

withMongoDb('indexes', () => {
  test('those that are missing are created, and creating them again is no error', async () => {
    const needed = [{ collection: 'some', keys: { userId: 1, at: -1 } }] as const;
    const db = await testMongoDb(needed);
    await createIndexes(db, needed);
    const indexes = await db.collection('some').listIndexes().toArray();
    expect(indexes.map(({ key }) => key)).toEqual([{ _id: 1 }, { userId: 1, at: -1 }]);
  });

  test('another index in the place of one is named, with what to do', async () => {
    const { db } = openMongoDb(await testMongoDbUrl());
    await db.collection('some').createIndex({ email: 1 });
    const creating = createIndexes(db, [{ collection: 'some', keys: { email: 1 }, options: { unique: true } }]);
    await expect(creating).rejects.toThrow(WrongIndexError);
    await expect(creating).rejects.toThrow(/db\.some\.getIndexes\(\), drop the one/);
  });

  // FerretDB has no TTL indexes. What MongoDB does with one is MongoDB's own concern.
  test('an index that the server does not support is reported, and the others are created', async () => {
    const ttl = { collection: 'some', keys: { expireAt: 1 }, options: { ttl: true } } as const;
    const { db } = openMongoDb(await testMongoDbUrl());
    const unsupported = await createIndexes(db, [ttl, { collection: 'some', keys: { at: 1 } }]);
    expect(unsupported).toEqual(isFerretDb() ? [ttl] : []);
    expect(await db.collection('some').indexExists('at_1')).toBe(true);
  });
});
