import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { RateLimit } from './rate-limit.ts';

const WINDOW_SECONDS = 60;

/**
 * Counts uses per minute in Redis. A use costs one round trip, or none if this process knows that the quota is used up.
 */
export function createRedisRateLimit(options: { redis: Redis; name: string; perMinute: number }): RateLimit {
  const { redis, name, perMinute } = options;
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: '',
    points: perMinute,
    duration: WINDOW_SECONDS,
    inMemoryBlockOnConsumed: perMinute,
    rejectIfRedisNotReady: true,
  });

  return {
    name,
    quota: perMinute,
    windowSeconds: WINDOW_SECONDS,
    use: async (key) => {
      const { allowed, state } = await orStoreUnavailable(consume(limiter, redisKeys.rate(key, name)));
      return { allowed, remaining: Math.max(0, state.remainingPoints), windowEndsInMs: state.msBeforeNext };
    },
  };
}

async function consume(limiter: RateLimiterRedis, key: string): Promise<{ allowed: boolean; state: RateLimiterRes }> {
  try {
    return { allowed: true, state: await limiter.consume(key) };
  } catch (rejected) {
    // If the quota is used up, the library rejects with the state of the key.
    if (rejected instanceof RateLimiterRes) return { allowed: false, state: rejected };
    throw rejected;
  }
}
