import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';

/**
 * Entries that can be taken once, each by a secret that only its holder knows. The store has only a hash of it, so nobody who
 * reads the store can take what it holds. Every method costs one command, and rejects with StoreUnavailableError if the store
 * is out of reach.
 */
export interface OneTimeEntries<T> {
  /** Keeps an entry. It expires after `ttlMs`. */
  keep(secretHash: string, entry: T, ttlMs: number): Promise<void>;
  /** Removes an entry, and returns it. undefined: it was taken before, has expired, or never existed. */
  take(secretHash: string): Promise<T | undefined>;
}

/** One-time entries in Redis: one JSON string each. */
export function createRedisOneTimeEntries<T>(options: {
  redis: Redis;
  keyOf: (secretHash: string) => string;
}): OneTimeEntries<T> {
  const { redis, keyOf } = options;
  return {
    keep: async (secretHash, entry, ttlMs) =>
      void (await orStoreUnavailable(redis.set(keyOf(secretHash), JSON.stringify(entry), 'PX', ttlMs))),
    take: async (secretHash) => {
      const text = await orStoreUnavailable(redis.getdel(keyOf(secretHash)));
      return text === null ? undefined : (JSON.parse(text) as T);
    },
  };
}
