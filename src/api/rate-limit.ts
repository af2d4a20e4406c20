import type { Request, RequestHandler, Response } from 'express';
import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { orStoreUnavailable } from '../adapters/redis/connect-redis.ts';
import { ApiError } from '../contracts/errors.ts';
import { redisKeys } from '../contracts/redis-keys.ts';
import { clientAddress } from './client-address.ts';

const WINDOW_SECONDS = 60;

/** A limit of one endpoint; each key (a user, an address) has it for itself. */
export interface RateLimit {
  /**
   * Counts one use: one round trip, none for a key that has used up its limit. Says in the `RateLimit` headers what is
   * left.
   * @throws ApiError rate_limited
   * @throws StoreUnavailableError
   */
  use(key: string, res: Response): Promise<void>;
}

/** Limits uses per minute, for all replicas together. */
export function createRateLimit(options: { redis: Redis; endpoint: string; perMinute: number }): RateLimit {
  const { redis, endpoint, perMinute } = options;
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: '',
    points: perMinute,
    duration: WINDOW_SECONDS,
    inMemoryBlockOnConsumed: perMinute,
    rejectIfRedisNotReady: true,
  });

  return {
    use: async (key, res) => {
      const { allowed, state } = await orStoreUnavailable(consume(limiter, redisKeys.rate(key, endpoint)));
      const seconds = Math.ceil(state.msBeforeNext / 1000);
      res.set('RateLimit-Policy', `"${endpoint}";q=${perMinute};w=${WINDOW_SECONDS}`);
      res.set('RateLimit', `"${endpoint}";r=${Math.max(0, state.remainingPoints)};t=${seconds}`);
      if (!allowed) throw new ApiError('rate_limited', { retryAfterSeconds: Math.max(1, seconds) });
    },
  };
}

async function consume(limiter: RateLimiterRedis, key: string): Promise<{ allowed: boolean; state: RateLimiterRes }> {
  try {
    return { allowed: true, state: await limiter.consume(key) };
  } catch (rejected) {
    if (rejected instanceof RateLimiterRes) return { allowed: false, state: rejected };
    throw rejected;
  }
}

/** Limits a route by what `keyOf` says of the request. */
export const limitRoute =
  (limit: RateLimit, keyOf: (req: Request) => string): RequestHandler =>
  async (req, res, next) => {
    await limit.use(keyOf(req), res);
    next();
  };

export const byUser = (req: Request) => req.user!.userId;
export const byAddress = (req: Request) => clientAddress(req);
