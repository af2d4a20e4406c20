import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { scanKeys } from '../redis/scan-keys.ts';

/** Keys of a user that no list leads to. */
export interface ScannedKeys {
  idempotency_keys: string[];
  rate_limits: string[];
  tickets: string[];
  admin_sessions: string[];
}

/**
 * Finds them by looking at the names of all keys, and at tickets, logins that come back and the admin's sessions themselves. One round trip for
 * each 100 keys of Redis. @throws StoreUnavailableError
 */
export async function scanKeysOf(redis: Redis, userId: string): Promise<ScannedKeys> {
  const found: ScannedKeys = {
    idempotency_keys: [],
    rate_limits: [],
    tickets: [],
    admin_sessions: [],
  };
  for await (const keys of scanKeys(redis, '*')) {
    for (const key of keys) {
      if (isIdempotencyKey(key, userId)) {
        found.idempotency_keys.push(key);
      } else if (
        key.startsWith(redisKeys.rate(userId, '')) &&
        !key.slice(redisKeys.rate(userId, '').length).includes(':')
      ) {
        found.rate_limits.push(key);
      } else if (key.startsWith(redisKeys.ticket('')) || key.startsWith(redisKeys.signedIn(''))) {
        if ((await ownerIn(redis, key))?.userId === userId) found.tickets.push(key);
      } else if (key === redisKeys.textAccess(userId)) {
        found.admin_sessions.push(key);
      } else if (key.startsWith(redisKeys.adminSession(''))) {
        if ((await ownerIn(redis, key))?.userId === userId) found.admin_sessions.push(key);
      }
    }
  }
  return found;
}

/**
 * Finds the Idempotency-Keys of a session without looking at all keys. Two round trips. Those of an earlier version are not found;
 * they expire within IDEMPOTENCY_TTL. @throws StoreUnavailableError
 */
export async function idempotencyKeysOf(redis: Redis, userId: string, sessionId: string): Promise<string[]> {
  const hashes = await orStoreUnavailable(redis.zrange(redisKeys.idempotencyKeys(userId), '0', '-1'));
  const keys = hashes.map((hash) => redisKeys.idempotency(userId, hash));
  const owners = await Promise.all(keys.map((key) => ownerIn(redis, key)));
  return keys.filter((_, index) => owners[index]?.sessionId === sessionId);
}

/**
 * Reads such a key: when it expires, ISO 8601, and its value, if it is the JSON of an object. undefined: it is gone. One round
 * trip. @throws StoreUnavailableError
 */
export async function readScannedKey(
  redis: Redis,
  key: string,
): Promise<{ expiresAt: string | null; value: Record<string, unknown> } | undefined> {
  const [text, ttlMs] = await orStoreUnavailable(Promise.all([redis.get(key), redis.pttl(key)]));
  if (text === null) return undefined;
  const value: unknown = text.startsWith('{') ? JSON.parse(text) : {};
  const expiresAt = ttlMs < 0 ? null : new Date(Date.now() + ttlMs).toISOString();
  return { expiresAt, value: value as Record<string, unknown> };
}

/** Removes keys, one command each: they may be in different slots of a cluster. @throws StoreUnavailableError */
export async function removeKeys(redis: Redis, keys: readonly string[]): Promise<void> {
  await orStoreUnavailable(Promise.all(keys.map((key) => redis.del(key))));
}

/** The id of a user may contain colons, and the hash after it does not. */
function isIdempotencyKey(key: string, userId: string): boolean {
  const prefix = redisKeys.idempotency(userId, '');
  return key.startsWith(prefix) && /^[0-9a-f]{64}$/.test(key.slice(prefix.length));
}

async function ownerIn(redis: Redis, key: string): Promise<{ userId?: string; sessionId?: string } | undefined> {
  const text = await orStoreUnavailable(redis.get(key));
  return text === null ? undefined : JSON.parse(text);
}
