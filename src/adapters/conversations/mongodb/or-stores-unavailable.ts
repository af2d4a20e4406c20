import { isMongoDbError } from '../../mongodb/command-errors.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';

/**
 * Returns the result of work that uses both stores. Rejects with StoreUnavailableError if Redis is out of reach. Errors of
 * MongoDB were judged where they arose, so they are thrown unchanged.
 */
export async function orStoresUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isMongoDbError(error)) throw error;
    return await orStoreUnavailable(Promise.reject(error));
  }
}
