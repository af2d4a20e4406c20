import { type Erasure, erasure as schema } from '../../contracts/erasures.ts';
import { redisKeys, UNFINISHED_ERASURES_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { ErasureStore } from './erasure-store.ts';

/** Nobody needs longer to save an erasure. */
const ABANDONED_MS = 60_000;

/**
 * Erasures in Redis: a string each, a string that leads from a user to the latest one, one that leads from a conversation to the
 * one that is under way, and a sorted set of those that are not done, by when they were last saved.
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
      sessionId !== null && state === 'erasing' && redis.set(redisKeys.erasureOfSession(userId, sessionId), erasureId),
    ]);
    if (sessionId !== null && state === 'erased') await redis.del(redisKeys.erasureOfSession(userId, sessionId));
    if (state === 'erased') await redis.zrem(UNFINISHED_ERASURES_KEY, erasureId);
  }

  async function ofUser(userId: string): Promise<Erasure | undefined> {
    const erasureId = await redis.get(redisKeys.erasureOf(userId));
    return erasureId === null ? undefined : await find(erasureId);
  }

  async function underWay(userId: string, sessionId: string): Promise<Erasure | undefined> {
    const erasureId = await redis.get(redisKeys.erasureOfSession(userId, sessionId));
    const found = erasureId === null ? undefined : await find(erasureId);
    return found?.state === 'erasing' ? found : undefined;
  }

  /** A process that died while it saved one for the first time may have left an id that leads nowhere. */
  async function unfinished(count: number): Promise<string[]> {
    const listed = await redis.zrange(UNFINISHED_ERASURES_KEY, '0', String(count - 1), 'WITHSCORES');
    const ids = listed.filter((_, index) => index % 2 === 0);
    const exist = await Promise.all(ids.map((id) => redis.exists(redisKeys.erasure(id))));
    const abandoned = ids.filter((_, i) => !exist[i] && Number(listed[2 * i + 1]) < Date.now() - ABANDONED_MS);
    if (abandoned.length > 0) await redis.zrem(UNFINISHED_ERASURES_KEY, ...abandoned);
    return ids.filter((_, index) => exist[index]);
  }

  return {
    save: (erasure) => orStoreUnavailable(save(erasure)),
    remove: async ({ erasureId, userId, sessionId }) => {
      await orStoreUnavailable(redis.del(redisKeys.erasure(erasureId)));
      if (sessionId !== null) await orStoreUnavailable(redis.del(redisKeys.erasureOfSession(userId, sessionId)));
      await orStoreUnavailable(redis.zrem(UNFINISHED_ERASURES_KEY, erasureId));
    },
    find: (erasureId) => orStoreUnavailable(find(erasureId)),
    ofUser: (userId) => orStoreUnavailable(ofUser(userId)),
    underWay: (userId, sessionId) => orStoreUnavailable(underWay(userId, sessionId)),
    unfinished: (count) => orStoreUnavailable(unfinished(count)),
  };
}
