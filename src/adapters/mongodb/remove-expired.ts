import type { Db } from 'mongodb';
import type { NeededIndex } from './indexes.ts';
import { orStoreUnavailable } from './or-store-unavailable.ts';

const REMOVED_TOGETHER = 500;

/**
 * Removes the documents whose time to live is over, in a server that does not do so itself.
 * @param indexes those of `indexes.ts` with `ttl` say which field has the time of which documents
 * @returns how many were removed
 * @throws StoreUnavailableError
 */
export async function removeExpired(db: Db, indexes: readonly NeededIndex[]): Promise<number> {
  let removed = 0;
  for (const { collection, keys, options } of indexes) {
    if (options?.ttl) removed += await removeFrom(db, collection, Object.keys(keys)[0]!);
  }
  return removed;
}

/** A document whose time was extended in between stays. */
async function removeFrom(db: Db, name: string, field: string): Promise<number> {
  const documents = db.collection(name);
  const expired = { [field]: { $lte: new Date() } };
  for (let removed = 0; ; ) {
    const found = documents.find(expired, { projection: { _id: 1 }, limit: REMOVED_TOGETHER });
    const ids = (await orStoreUnavailable(found.toArray())).map(({ _id }) => _id);
    if (ids.length === 0) return removed;
    const { deletedCount } = await orStoreUnavailable(documents.deleteMany({ _id: { $in: ids }, ...expired }));
    removed += deletedCount;
    if (deletedCount === 0) return removed;
  }
}
