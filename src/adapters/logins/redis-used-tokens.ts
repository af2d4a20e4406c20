import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { UsedTokens } from './used-tokens.ts';

/** Used tokens in Redis: one key for each, which expires. */
export function createRedisUsedTokens({ redis }: { redis: Redis }): UsedTokens {
  return {
    isUsed: async (idHash) => (await orStoreUnavailable(redis.exists(redisKeys.usedToken(idHash)))) === 1,
    noteUsed: async (idHash, ttlMs) =>
      void (await orStoreUnavailable(redis.set(redisKeys.usedToken(idHash), '', 'PX', ttlMs))),
  };
}
