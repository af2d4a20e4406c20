import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { TextAccessStore } from './text-access-store.ts';

/** Access in Redis: one key for each user, which expires. Every method costs one command. */
export function createRedisTextAccessStore({ redis }: { redis: Redis }): TextAccessStore {
  return {
    give: async (userId, ttlMs) => {
      await orStoreUnavailable(redis.set(redisKeys.textAccess(userId), '', 'PX', ttlMs));
    },
    left: async (userId) => {
      const ms = await orStoreUnavailable(redis.pttl(redisKeys.textAccess(userId)));
      return ms > 0 ? ms : undefined;
    },
  };
}
