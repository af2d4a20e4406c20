import type { CreateIndexesOptions, Db, IndexSpecification } from 'mongodb';
import { isNotImplemented, isServerError } from './command-errors.ts';
import { orStoreUnavailable } from './or-store-unavailable.ts';

/** An index that a store needs. Its name is the one that MongoDB makes of its keys. */
export interface NeededIndex {
  collection: string;
  keys: Record<string, 1 | -1>;
  /** `ttl`: MongoDB removes each document at the time that it has in this field. */
  options?: { unique?: true; sparse?: true; ttl?: true };
}

/** An index is there, but is not the one that we need. */
export class WrongIndexError extends Error {}

/** IndexOptionsConflict, IndexKeySpecsConflict; and documents that a unique index does not allow. */
const CONFLICTS = new Set([85, 86, 11_000]);

/**
 * Creates the indexes that are missing, and looks at those that are there.
 * @returns those that the server does not support; it works without them, but removes nothing by itself, or is slower
 * @throws WrongIndexError, StoreUnavailableError
 */
export async function createIndexes(db: Db, needed: readonly NeededIndex[]): Promise<NeededIndex[]> {
  const unsupported: NeededIndex[] = [];
  for (const index of needed) {
    if (!(await isCreated(db, index))) unsupported.push(index);
    // FerretDB does not refuse another index with the same keys.
    else if (!(await isAsNeeded(db, index))) throw new WrongIndexError(explain(index));
  }
  return unsupported;
}

/** Returns false if the server does not support it. */
async function isCreated(db: Db, index: NeededIndex): Promise<boolean> {
  try {
    await db.collection(index.collection).createIndex(...specificationOf(index));
    return true;
  } catch (error) {
    if (isNotImplemented(error)) return false;
    if (isConflict(error)) throw new WrongIndexError(explain(index), { cause: error });
    return await orStoreUnavailable(Promise.reject(error));
  }
}

async function isAsNeeded(db: Db, { collection, keys, options = {} }: NeededIndex): Promise<boolean> {
  const found = await orStoreUnavailable(db.collection(collection).listIndexes().toArray());
  const there = found.find(({ key }) => JSON.stringify(key) === JSON.stringify(keys));
  return (
    there !== undefined &&
    Boolean(there.unique) === Boolean(options.unique) &&
    (there.expireAfterSeconds === 0) === Boolean(options.ttl)
  );
}

function specificationOf({ keys, options = {} }: NeededIndex): [IndexSpecification, CreateIndexesOptions] {
  const { ttl, ...rest } = options;
  return [keys, { ...rest, ...(ttl && { expireAfterSeconds: 0 }) }];
}

const isConflict = (error: unknown) => isServerError(error) && CONFLICTS.has(Number(error.code));

export const describeIndex = ({ collection, keys, options = {} }: NeededIndex) =>
  `${JSON.stringify(keys)}${Object.keys(options)
    .map((option) => `, ${option}`)
    .join('')} on the collection ${collection}`;

const explain = (index: NeededIndex) =>
  `MongoDB has another index in the place of ${describeIndex(index)}, or documents that it does not allow. ` +
  `Look at db.${index.collection}.getIndexes(), drop the one with these keys, and start again`;
