import { createHash } from 'node:crypto';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { Claim, IdempotencyKeys } from './idempotency-keys.ts';

/**
 * Idempotency keys in Redis, one JSON string each. A new key costs one round trip, a repeated key costs two.
 * @param options.ttlMs how long a key is remembered
 */
export function createRedisIdempotencyKeys(options: { redis: Redis; ttlMs: number }): IdempotencyKeys {
  const { redis, ttlMs } = options;
  return {
    claim: async (userId, key, claim) => {
      const keyHash = hashOf(key);
      const redisKey = redisKeys.idempotency(userId, keyHash);
      const index = redisKeys.idempotencyKeys(userId);
      const value = JSON.stringify(claim);
      for (;;) {
        const now = Date.now();
        // These commands are sent together: one round trip. The index first, so that no key is without its entry.
        const [, , , taken] = await orStoreUnavailable(
          Promise.all([
            redis.zremrangebyscore(index, '-inf', now),
            redis.zadd(index, now + ttlMs, keyHash),
            redis.pexpire(index, ttlMs),
            redis.set(redisKey, value, 'PX', ttlMs, 'NX'),
          ]),
        );
        if (taken) return { claim, repeated: false };
        const kept = await orStoreUnavailable(redis.get(redisKey));
        if (kept !== null) return { claim: JSON.parse(kept) as Claim, repeated: true };
        // The key expired between the two commands, so it can be taken now.
      }
    },
  };
}

/** A key may contain colons. Its hash contains none, so no part of it can be read as part of the user's id. */
const hashOf = (key: string) => createHash('sha256').update(key).digest('hex');
