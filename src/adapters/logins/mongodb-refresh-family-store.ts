import type { Db } from 'mongodb';
import type { NeededIndex } from '../mongodb/indexes.ts';
import { orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import { familyLifetimeMs, MOST_LISTED, type RefreshFamily, type RefreshFamilyStore } from './refresh-family-store.ts';

const COLLECTION = 'refreshFamilies';

export const refreshFamilyIndexes: readonly NeededIndex[] = [
  { collection: COLLECTION, keys: { expireAt: 1 }, options: { ttl: true } },
  { collection: COLLECTION, keys: { userId: 1, expireAt: -1 } },
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
  const expireAt = (family: Pick<RefreshFamily, 'endsAt'>) => new Date(Date.now() + familyLifetimeMs(family, ttlMs));
  const unexpired = () => ({ expireAt: { $gt: new Date() } });

  return {
    create: async (_id, family) => {
      const whole = { ...family, generation: 0, rotations: [], expireAt: expireAt(family) };
      await orStoreUnavailable(families.insertOne({ _id, ...whole }));
    },
    find: async (_id) => {
      // These commands are sent together: one round trip.
      const [found, { localTime }] = await orStoreUnavailable(
        Promise.all([families.findOne({ _id }), db.command({ hello: 1 })]),
      );
      if (!found || found.expireAt.getTime() <= Date.now()) return undefined;
      return { family: familyOf(found), nowMs: (localTime as Date).getTime() };
    },
    exchange: async (_id, hash, next) => {
      const { modifiedCount } = await orStoreUnavailable(
        families.replaceOne({ _id, hash, ...unexpired() }, { ...next, expireAt: expireAt(next) }),
      );
      return modifiedCount === 1;
    },
    list: async (userId) => {
      const found = families
        .find({ userId, ...unexpired() })
        .sort({ expireAt: -1 })
        .limit(MOST_LISTED);
      return (await orStoreUnavailable(found.toArray())).map((each) => ({ id: each._id, family: familyOf(each) }));
    },
    remove: async (_id) => void (await orStoreUnavailable(families.deleteOne({ _id }))),
    removeAll: async (userId) => void (await orStoreUnavailable(families.deleteMany({ userId }))),
  };
}

const familyOf = ({ _id, expireAt: _, ...family }: StoredFamily): RefreshFamily => family;
