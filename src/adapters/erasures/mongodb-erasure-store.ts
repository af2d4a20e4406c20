import type { Db } from 'mongodb';
import type { Erasure } from '../../contracts/erasures.ts';
import { isDuplicateKey } from '../mongodb/command-errors.ts';
import type { NeededIndex } from '../mongodb/indexes.ts';
import { orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { ErasureStore } from './erasure-store.ts';

const COLLECTION = 'erasures';

export const erasureIndexes: readonly NeededIndex[] = [
  { collection: COLLECTION, keys: { userId: 1, sessionId: 1, requestedAt: -1 } },
  { collection: COLLECTION, keys: { state: 1, savedAt: 1 } },
  { collection: COLLECTION, keys: { expireAt: 1 }, options: { ttl: true } },
  { collection: COLLECTION, keys: { underWay: 1 }, options: { unique: true, sparse: true } },
];

/** `underWay` says whose it is, while it is under way, so that a unique index keeps them to one erasure. */
type StoredErasure = Omit<Erasure, 'erasureId'> & {
  _id: string;
  savedAt: number;
  underWay?: string;
  expireAt?: Date;
};

/** Erasures in MongoDB: one document each. @param options.retentionMs how long a receipt is kept */
export function createMongoDbErasureStore(options: { db: Db; retentionMs: number }): ErasureStore {
  const { db, retentionMs } = options;
  const erasures = db.collection<StoredErasure>(COLLECTION);

  const documentOf = ({ erasureId: _id, ...erasure }: Erasure): StoredErasure => ({
    ...{ _id, ...erasure, savedAt: Date.now() },
    ...(erasure.state === 'erased'
      ? { expireAt: new Date(Date.now() + retentionMs) }
      : { underWay: JSON.stringify([erasure.userId, erasure.sessionId]) }),
  });

  async function underWay(userId: string, sessionId: string | null): Promise<Erasure | undefined> {
    return erasureOf(await erasures.findOne({ userId, sessionId, state: 'erasing' }));
  }

  async function begin(erasure: Erasure): Promise<Erasure> {
    for (;;) {
      const earlier = await underWay(erasure.userId, erasure.sessionId);
      if (earlier) return earlier;
      try {
        await erasures.insertOne(documentOf(erasure));
        return erasure;
      } catch (error) {
        // Somebody else was faster, and may have completed theirs by now.
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  return {
    begin: (erasure) => orStoreUnavailable(begin(erasure)),
    save: async (erasure) => {
      const { _id, ...document } = documentOf(erasure);
      await orStoreUnavailable(erasures.replaceOne({ _id }, document, { upsert: true }));
    },
    remove: async ({ erasureId }) => void (await orStoreUnavailable(erasures.deleteOne({ _id: erasureId }))),
    find: async (_id) => erasureOf(await orStoreUnavailable(erasures.findOne({ _id, ...unexpired() }))),
    ofUser: async (userId) => {
      const filter = { userId, sessionId: null, ...unexpired() };
      return erasureOf(await orStoreUnavailable(erasures.findOne(filter, { sort: { requestedAt: -1 } })));
    },
    underWay: (userId, sessionId) => orStoreUnavailable(underWay(userId, sessionId)),
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
  const { _id: erasureId, savedAt: _, expireAt: __, underWay: ___, ...erasure } = document;
  return { erasureId, ...erasure };
}
