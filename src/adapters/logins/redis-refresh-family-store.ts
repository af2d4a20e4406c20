import { randomBytes } from 'node:crypto';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { exchangeRefreshToken } from './redis-scripts/exchange-refresh-token.ts';
import { type RawFamily, readRefreshFamily } from './redis-scripts/read-refresh-family.ts';
import {
  familyLifetimeMs,
  type LoginClient,
  MOST_LISTED,
  type RefreshFamily,
  type RefreshFamilyStore,
} from './refresh-family-store.ts';

/** As long as any family may last, also one that was begun while `ttlMs` was longer. */
const SET_KEPT_MS = 365 * 24 * 3_600_000;

/**
 * Families of refresh tokens in Redis: one hash each, and a sorted set of each user's families, by when they expire. A
 * member of the set whose family is gone is left out. Every method costs one round trip, and `list` two.
 * @param options.ttlMs how long a family lasts after its latest exchange
 */
export function createRedisRefreshFamilyStore(options: { redis: Redis; ttlMs: number }): RefreshFamilyStore {
  const { redis, ttlMs } = options;

  /** Adds a family to its user's set, and removes those that have expired from it. */
  function listed(id: string, { userId }: RefreshFamily, lifetimeMs: number) {
    const key = redisKeys.refreshFamilies(userId);
    const now = Date.now();
    return redis
      .multi()
      .zremrangebyscore(key, '-inf', now)
      .zadd(key, now + lifetimeMs, id)
      .pexpire(key, SET_KEPT_MS);
  }

  return {
    create: async (id, family) => {
      const whole = { ...family, generation: 0, rotations: [] };
      const lifetimeMs = familyLifetimeMs(family, ttlMs);
      const key = redisKeys.refreshFamily(id);
      // The set first: what is in it can be ended by its user.
      await Promise.all([
        repliesOf(listed(id, whole, lifetimeMs)),
        repliesOf(redis.multi().hset(key, fieldsOf(whole)).pexpire(key, lifetimeMs)),
      ]);
    },
    find: async (id) => {
      const { nowMs, fields } = await orStoreUnavailable(readRefreshFamily(redis, redisKeys.refreshFamily(id)));
      const family = familyOf(fields);
      return family && { family, nowMs };
    },
    exchange: async (id, hash, next) => {
      const lifetimeMs = familyLifetimeMs(next, ttlMs);
      const exchange = { hash, ttlMs: lifetimeMs, next: fieldsOf(next) };
      const [, exchanged] = await Promise.all([
        repliesOf(listed(id, next, lifetimeMs)),
        orStoreUnavailable(exchangeRefreshToken(redis, redisKeys.refreshFamily(id), exchange)),
      ]);
      return exchanged;
    },
    list: async (userId) => {
      const key = redisKeys.refreshFamilies(userId);
      const ids = await orStoreUnavailable(redis.zrevrange(key, 0, MOST_LISTED - 1));
      const found = await orStoreUnavailable(
        Promise.all(ids.map((id) => readRefreshFamily(redis, redisKeys.refreshFamily(id)))),
      );
      return found.flatMap(({ fields }, i) => {
        const family = familyOf(fields);
        return family ? [{ id: ids[i]!, family }] : [];
      });
    },
    remove: async (id, userId) => {
      await orStoreUnavailable(
        Promise.all([redis.del(redisKeys.refreshFamily(id)), redis.zrem(redisKeys.refreshFamilies(userId), id)]),
      );
    },
    removeAll: async (userId) => {
      const key = redisKeys.refreshFamilies(userId);
      const ids = await orStoreUnavailable(redis.zrange(key, '0', '-1'));
      await orStoreUnavailable(Promise.all(ids.map((id) => redis.del(redisKeys.refreshFamily(id)))));
      await orStoreUnavailable(redis.del(key));
    },
  };
}

/** The fields of a family as Redis has them. */
function fieldsOf({ rotations, client, ...plain }: RefreshFamily): Record<string, string | number> {
  const fields = { ...plain, rotations: JSON.stringify(rotations), ...(client && { client: JSON.stringify(client) }) };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
    string,
    string | number
  >;
}

function familyOf(fields: RawFamily): RefreshFamily | undefined {
  const { userId, hash, secret, generation, rotations, issuedAt, startedAt, endsAt, client } = fields;
  if (!userId || !hash) return undefined;
  return {
    userId,
    hash,
    // Earlier versions kept families without a secret. The next exchange stores this one.
    secret: secret ?? randomBytes(32).toString('base64url'),
    generation: Number(generation ?? 0),
    rotations: rotations ? (JSON.parse(rotations) as number[]) : [],
    issuedAt: Number(issuedAt ?? 0),
    ...(startedAt && { startedAt: Number(startedAt) }),
    ...(endsAt && { endsAt: Number(endsAt) }),
    ...(client && { client: JSON.parse(client) as LoginClient }),
  };
}
