import { type Erasure, erasure as schema } from '../../contracts/erasures.ts';
import { redisKeys, UNFINISHED_ERASURES_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { ErasureStore } from './erasure-store.ts';
import { pointToErasure } from './redis-scripts/point-to-erasure.ts';

/** Nobody needs longer to save an erasure. */
const ABANDONED_MS = 60_000;

/**
 * Erasures in Redis: a string each, a string that leads from a user to the latest one, one that leads from a conversation to the
 * one that is under way, and a sorted set of those that are not done, by when they were last saved. Of several that begin at once, the
 * one that the user or the conversation leads to is the one. It is written after that, by whoever finds that it is not there.
 * @param options.retentionMs how long a receipt is kept
 */
export function createRedisErasureStore(options: { redis: Redis; retentionMs: number }): ErasureStore {
  const { redis, retentionMs } = options;

  async function find(erasureId: string): Promise<Erasure | undefined> {
    const text = await redis.get(redisKeys.erasure(erasureId));
    return text === null ? undefined : schema.parse(JSON.parse(text));
  }

  const pointerTo = ({ userId, sessionId }: Erasure) =>
    sessionId === null ? redisKeys.erasureOf(userId) : redisKeys.erasureOfSession(userId, sessionId);

  async function begin(erasure: Erasure): Promise<Erasure> {
    const pointer = pointerTo(erasure);
    for (;;) {
      const before = (await redis.get(pointer)) ?? undefined;
      const earlier = before === undefined ? undefined : await find(before);
      if (earlier?.state === 'erasing') return earlier;
      const isFree = before === undefined || earlier !== undefined;
      if (isFree && !(await pointToErasure(redis, pointer, { before, after: erasure.erasureId }))) continue;
      const begun = { ...erasure, erasureId: isFree ? erasure.erasureId : before };
      await redis.zadd(UNFINISHED_ERASURES_KEY, Date.now(), begun.erasureId);
      await redis.set(redisKeys.erasure(begun.erasureId), JSON.stringify(begun), 'NX');
      const written = await find(begun.erasureId);
      if (written) return written;
    }
  }

  async function save(erasure: Erasure): Promise<void> {
    const { erasureId, sessionId, state } = erasure;
    const [key, text, pointer] = [redisKeys.erasure(erasureId), JSON.stringify(erasure), pointerTo(erasure)];
    if (state === 'erasing') {
      await redis.zadd(UNFINISHED_ERASURES_KEY, Date.now(), erasureId);
      await redis.set(key, text);
      return;
    }
    // What is listed last is done last, so that a crash in between leaves it to be done again.
    await redis.set(key, text, 'PX', retentionMs);
    const after = sessionId === null ? erasureId : undefined;
    await pointToErasure(redis, pointer, { before: erasureId, after }, retentionMs);
    await redis.zrem(UNFINISHED_ERASURES_KEY, erasureId);
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
    begin: (erasure) => orStoreUnavailable(begin(erasure)),
    save: (erasure) => orStoreUnavailable(save(erasure)),
    remove: async (erasure) => {
      const { erasureId } = erasure;
      // First, so that nobody finds it there, and begins it again.
      await orStoreUnavailable(pointToErasure(redis, pointerTo(erasure), { before: erasureId, after: undefined }));
      await orStoreUnavailable(redis.del(redisKeys.erasure(erasureId)));
      await orStoreUnavailable(redis.zrem(UNFINISHED_ERASURES_KEY, erasureId));
    },
    find: (erasureId) => orStoreUnavailable(find(erasureId)),
    ofUser: (userId) => orStoreUnavailable(ofUser(userId)),
    underWay: (userId, sessionId) => orStoreUnavailable(underWay(userId, sessionId)),
    unfinished: (count) => orStoreUnavailable(unfinished(count)),
  };
}
