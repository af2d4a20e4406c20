import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { LoginTries, LoginTriesRules } from './login-tries.ts';
import { beginLoginTry } from './redis-scripts/begin-login-try.ts';

/**
 * Tries to log in, in Redis: one hash for each key. Every method costs one round trip.
 * @param options.keyOf left out: tries to log in. Something else may be counted in the same way
 */
export function createRedisLoginTries(options: {
  redis: Redis;
  rules: LoginTriesRules;
  keyOf?: (keyHash: string) => string;
}): LoginTries {
  const { redis, rules, keyOf = redisKeys.loginTries } = options;
  return {
    begin: (key) => orStoreUnavailable(beginLoginTry(redis, keyOf(key), rules)),
    forget: async (key) => void (await orStoreUnavailable(redis.del(keyOf(key)))),
  };
}
