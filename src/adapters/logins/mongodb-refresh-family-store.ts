import type { Db } from 'mongodb';
import type { NeededIndex } from '../mongodb/indexes.ts';
import { orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { RefreshFamily, RefreshFamilyStore } from './refresh-family-store.ts';

const COLLECTION = 'refreshFamilies';

export const refreshFamilyIndexes: readonly NeededIndex[] = [
  { collection: COLLECTION, keys: { expireAt: 1 }, options: { ttl: true } },
];

type StoredFamily = RefreshFamily & { _id: string; expireAt: Date };

/**
 * Families of refresh tokens in MongoDB: one document each. MongoDB removes it some time after it has expired, so readers
 * look at the time as well. Every method costs one round trip.
 * @param options.ttlMs how long a family lasts after its latest exchange
 */
export function createMongoDbRefreshFamilyStore(options: { db: Db; ttlMs: number }): RefreshFamilyStore {
  const { db, ttlMs } = options;
  const families = db.collection<StoredFamily>(COLLECTION);
  const expireAt = () => new Date(Date.now() + ttlMs);
  const unexpired = () => ({ expireAt: { $gt: new Date() } });

  return {
    create: async (_id, family) => {
      const whole = { ...family, generation: 0, rotations: [], expireAt: expireAt() };
      await orStoreUnavailable(families.insertOne({ _id, ...whole }));
    },
    find: async (_id) => {
      // These commands are sent together: one round trip.
      const [found, { localTime }] = await orStoreUnavailable(
        Promise.all([families.findOne({ _id, ...unexpired() }), db.command({ hello: 1 })]),
      );
      if (!found) return undefined;
      const { userId, hash, secret, generation, rotations, issuedAt } = found;
      return {
        family: { userId, hash, secret, generation, rotations, issuedAt },
        nowMs: (localTime as Date).getTime(),
      };
    },
    exchange: async (_id, hash, { secret, generation, rotations, issuedAt, hash: next }) => {
      const fields = { secret, generation, rotations, issuedAt, hash: next, expireAt: expireAt() };
      const { modifiedCount } = await orStoreUnavailable(
        families.updateOne({ _id, hash, ...unexpired() }, { $set: fields }),
      );
      return modifiedCount === 1;
    },
    remove: async (_id) => void (await orStoreUnavailable(families.deleteOne({ _id }))),
  };
}
