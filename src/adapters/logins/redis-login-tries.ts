import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { LoginTries, LoginTriesRules } from './login-tries.ts';
import { beginLoginTry } from './redis-scripts/begin-login-try.ts';

/** Tries to log in, in Redis: one hash for each key. Every method costs one round trip. */
export function createRedisLoginTries({ redis, rules }: { redis: Redis; rules: LoginTriesRules }): LoginTries {
  return {
    begin: (key) => orStoreUnavailable(beginLoginTry(redis, redisKeys.loginTries(key), rules)),
    forget: async (key) => void (await orStoreUnavailable(redis.del(redisKeys.loginTries(key)))),
  };
}
