import { expect, test } from '@jest/globals';
import { removeExpired } from '../../../src/adapters/mongodb/remove-expired.ts';
import { openMongoDb } from '../../mongodb-connection.ts';
import { testMongoDbUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';

withMongoDb('documents whose time is over', () => {
  test('are removed, however many they are; the others stay', async () => {
    const { db } = openMongoDb(await testMongoDbUrl());
    const some = db.collection<{ _id: number; expireAt?: Date }>('some');
    const inMs = (ms: number) => new Date(Date.now() + ms);
    await some.insertMany(Array.from({ length: 1_200 }, (_, _id) => ({ _id, expireAt: inMs(-1_000) })));
    await some.insertMany([{ _id: 2_000, expireAt: inMs(600_000) }, { _id: 2_001 }]);
    const indexes = [
      { collection: 'some', keys: { expireAt: 1 }, options: { ttl: true } },
      { collection: 'some', keys: { _id: 1 } },
    ] as const;
    // A server with TTL indexes may have removed some itself, but this collection has none.
    expect(await removeExpired(db, indexes)).toBe(1_200);
    expect((await some.find().toArray()).map(({ _id }) => _id)).toEqual([2_000, 2_001]);
    expect(await removeExpired(db, indexes)).toBe(0);
  });
});
