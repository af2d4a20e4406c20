import type { Db } from 'mongodb';
import type { Erasure } from '../../contracts/erasures.ts';
import type { NeededIndex } from '../mongodb/indexes.ts';
import { orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { ErasureStore } from './erasure-store.ts';

const COLLECTION = 'erasures';

export const erasureIndexes: readonly NeededIndex[] = [
  { collection: COLLECTION, keys: { userId: 1, sessionId: 1, requestedAt: -1 } },
  { collection: COLLECTION, keys: { state: 1, savedAt: 1 } },
  { collection: COLLECTION, keys: { expireAt: 1 }, options: { ttl: true } },
];

type StoredErasure = Omit<Erasure, 'erasureId'> & { _id: string; savedAt: number; expireAt?: Date };

/** Erasures in MongoDB: one document each. @param options.retentionMs how long a receipt is kept */
export function createMongoDbErasureStore(options: { db: Db; retentionMs: number }): ErasureStore {
  const { db, retentionMs } = options;
  const erasures = db.collection<StoredErasure>(COLLECTION);

  return {
    save: async ({ erasureId: _id, ...erasure }) => {
      const done = erasure.state === 'erased';
      const document = {
        ...erasure,
        savedAt: Date.now(),
        ...(done && { expireAt: new Date(Date.now() + retentionMs) }),
      };
      await orStoreUnavailable(erasures.replaceOne({ _id }, document, { upsert: true }));
    },
    remove: async ({ erasureId }) => void (await orStoreUnavailable(erasures.deleteOne({ _id: erasureId }))),
    find: async (_id) => erasureOf(await orStoreUnavailable(erasures.findOne({ _id, ...unexpired() }))),
    ofUser: async (userId) => {
      const filter = { userId, sessionId: null, ...unexpired() };
      return erasureOf(await orStoreUnavailable(erasures.findOne(filter, { sort: { requestedAt: -1 } })));
    },
    underWay: async (userId, sessionId) =>
      erasureOf(await orStoreUnavailable(erasures.findOne({ userId, sessionId, state: 'erasing' }))),
    unfinished: async (count) => {
      const found = erasures.find({ state: 'erasing' }, { projection: { _id: 1 } }).sort({ savedAt: 1 });
      return (await orStoreUnavailable(found.limit(count).toArray())).map(({ _id }) => _id);
    },
  };
}

/** The retention also holds for documents that MongoDB has not removed yet. */
const unexpired = () => ({ $or: [{ expireAt: { $exists: false } }, { expireAt: { $gt: new Date() } }] });

function erasureOf(document: StoredErasure | null): Erasure | undefined {
  if (!document) return undefined;
  const { _id: erasureId, savedAt: _, expireAt: __, ...erasure } = document;
  return { erasureId, ...erasure };
}
