import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { orStoreUnavailable, repliesOf } from '../../adapters/redis/connect-redis.ts';
import { defineScript } from '../../adapters/redis/define-script.ts';
import { ApiError } from '../../contracts/errors.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';

/**
 * Refresh tokens: each login is a family, of which one token is valid at a time. Redis has the token's hash only. All
 * methods reject with StoreUnavailableError where Redis is out of reach.
 */
export interface RefreshTokens {
  /** The first token of a new family. */
  issue(userId: string): Promise<string>;
  /**
   * Takes a token for the next one of its family; of two callers with the same token, one gets it.
   * @throws ApiError invalid_refresh_token: there is no such family (any more)
   * @throws ApiError refresh_token_reused: the token was used before, and its family is revoked for that
   */
  rotate(token: string): Promise<{ userId: string; token: string }>;
  /** Revokes the token's family, if there is one. */
  revoke(token: string): Promise<void>;
}

/** KEYS: the family. ARGV: hash of the token, hash of the next one, TTL in ms. */
const rotateScript = defineScript(`
local family = redis.call('HMGET', KEYS[1], 'hash', 'userId')
if not family[1] then return {'unknown'} end
if family[1] ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  return {'reused'}
end
redis.call('HSET', KEYS[1], 'hash', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'rotated', family[2]}
`);

/** @param options.ttlMs how long a family lasts without a refresh */
export function createRefreshTokens(options: { redis: Redis; ttlMs: number }): RefreshTokens {
  const { redis, ttlMs } = options;
  return {
    issue: async (userId) => {
      const familyId = randomUUID();
      const token = newToken(familyId);
      const key = redisKeys.refreshFamily(familyId);
      await repliesOf(
        redis
          .multi()
          .hset(key, { userId, hash: sha256(token) })
          .pexpire(key, ttlMs),
      );
      return token;
    },
    rotate: async (token) => {
      const familyId = familyOf(token);
      if (!familyId) throw new ApiError('invalid_refresh_token');
      const next = newToken(familyId);
      const [outcome, userId] = (await orStoreUnavailable(
        rotateScript(redis, [redisKeys.refreshFamily(familyId)], [sha256(token), sha256(next), ttlMs]),
      )) as ['unknown' | 'reused' | 'rotated', string];
      if (outcome === 'unknown') throw new ApiError('invalid_refresh_token');
      if (outcome === 'reused') throw new ApiError('refresh_token_reused');
      return { userId, token: next };
    },
    revoke: async (token) => {
      const familyId = familyOf(token);
      if (familyId) await orStoreUnavailable(redis.del(redisKeys.refreshFamily(familyId)));
    },
  };
}

const newToken = (familyId: string) => `${familyId}.${randomBytes(32).toString('base64url')}`;

const familyOf = (token: string) => /^([0-9a-f-]{36})\.[\w-]{43}$/.exec(token)?.[1];

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
