import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { OneTimeEntries } from './one-time-entries.ts';

/** One-time entries in Redis: one JSON string each. */
export function createRedisOneTimeEntries<T>(options: {
  redis: Redis;
  keyOf: (secretHash: string) => string;
}): OneTimeEntries<T> {
  const { redis, keyOf } = options;
  const read = (text: string | null) => (text === null ? undefined : (JSON.parse(text) as T));
  return {
    keep: async (secretHash, entry, ttlMs) =>
      void (await orStoreUnavailable(redis.set(keyOf(secretHash), JSON.stringify(entry), 'PX', ttlMs))),
    find: async (secretHash) => read(await orStoreUnavailable(redis.get(keyOf(secretHash)))),
    take: async (secretHash) => read(await orStoreUnavailable(redis.getdel(keyOf(secretHash)))),
  };
}
