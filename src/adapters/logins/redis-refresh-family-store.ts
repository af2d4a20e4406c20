import { randomBytes } from 'node:crypto';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { exchangeRefreshToken } from './redis-scripts/exchange-refresh-token.ts';
import { readRefreshFamily } from './redis-scripts/read-refresh-family.ts';
import type { RefreshFamilyStore } from './refresh-family-store.ts';

/**
 * Families of refresh tokens in Redis: one hash each. Every method costs one round trip.
 * @param options.ttlMs how long a family lasts after its latest exchange
 */
export function createRedisRefreshFamilyStore(options: { redis: Redis; ttlMs: number }): RefreshFamilyStore {
  const { redis, ttlMs } = options;
  return {
    create: async (id, { userId, hash, secret, issuedAt }) => {
      const key = redisKeys.refreshFamily(id);
      await repliesOf(redis.multi().hset(key, { userId, hash, secret, generation: 0, issuedAt }).pexpire(key, ttlMs));
    },
    find: async (id) => {
      const { nowMs, fields } = await orStoreUnavailable(readRefreshFamily(redis, redisKeys.refreshFamily(id)));
      const { userId, hash, secret, generation, rotations, issuedAt } = fields;
      if (!userId || !hash) return undefined;
      const family = {
        userId,
        hash,
        // Earlier versions kept families without a secret. The next exchange stores this one.
        secret: secret ?? randomBytes(32).toString('base64url'),
        generation: Number(generation ?? 0),
        rotations: rotations ? (JSON.parse(rotations) as number[]) : [],
        issuedAt: Number(issuedAt ?? 0),
      };
      return { family, nowMs };
    },
    exchange: (id, hash, { rotations, ...next }) =>
      orStoreUnavailable(
        exchangeRefreshToken(redis, redisKeys.refreshFamily(id), {
          hash,
          ttlMs,
          next: { ...next, rotations: JSON.stringify(rotations) },
        }),
      ),
    remove: async (id) => void (await orStoreUnavailable(redis.del(redisKeys.refreshFamily(id)))),
  };
}
