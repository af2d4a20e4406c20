import { type Erasure, erasure as schema } from '../../contracts/erasures.ts';
import { redisKeys, UNFINISHED_ERASURES_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { ErasureStore } from './erasure-store.ts';

/**
 * Erasures in Redis: a string each, a string that leads from a user to the latest one, and a sorted set of those that are not
 * done, by when they were last saved.
 * @param options.retentionMs how long a receipt is kept
 */
export function createRedisErasureStore(options: { redis: Redis; retentionMs: number }): ErasureStore {
  const { redis, retentionMs } = options;

  async function find(erasureId: string): Promise<Erasure | undefined> {
    const text = await redis.get(redisKeys.erasure(erasureId));
    return text === null ? undefined : schema.parse(JSON.parse(text));
  }

  async function save(erasure: Erasure): Promise<void> {
    const { erasureId, userId, sessionId, state } = erasure;
    const text = JSON.stringify(erasure);
    const write = (key: string, value: string) =>
      state === 'erased' ? redis.set(key, value, 'PX', retentionMs) : redis.set(key, value);
    // What is listed last is done last, so that a crash in between leaves it to be done again.
    if (state === 'erasing') await redis.zadd(UNFINISHED_ERASURES_KEY, Date.now(), erasureId);
    await Promise.all([
      write(redisKeys.erasure(erasureId), text),
      sessionId === null && write(redisKeys.erasureOf(userId), erasureId),
    ]);
    if (state === 'erased') await redis.zrem(UNFINISHED_ERASURES_KEY, erasureId);
  }

  async function ofUser(userId: string): Promise<Erasure | undefined> {
    const erasureId = await redis.get(redisKeys.erasureOf(userId));
    return erasureId === null ? undefined : await find(erasureId);
  }

  return {
    save: (erasure) => orStoreUnavailable(save(erasure)),
    remove: async ({ erasureId }) => {
      await orStoreUnavailable(redis.del(redisKeys.erasure(erasureId)));
      await orStoreUnavailable(redis.zrem(UNFINISHED_ERASURES_KEY, erasureId));
    },
    find: (erasureId) => orStoreUnavailable(find(erasureId)),
    ofUser: (userId) => orStoreUnavailable(ofUser(userId)),
    unfinished: (count) => orStoreUnavailable(redis.zrange(UNFINISHED_ERASURES_KEY, '0', String(count - 1))),
  };
}
