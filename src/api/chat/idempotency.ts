import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';

/** The ids that a question was given, for each time its key comes again. */
export interface Claim {
  sessionId: string;
  requestId: string;
}

export interface IdempotencyKeys {
  /**
   * Takes the key for these ids, or gives the ids it was taken for before, and whether it was. One round trip for a new
   * key, two for a repeat.
   * @param body what must be the same for the key to mean the same question
   * @throws ApiError idempotency_key_reused: it was taken for another body
   * @throws StoreUnavailableError
   */
  claim(userId: string, key: string, body: unknown, ids: Claim): Promise<{ ids: Claim; repeated: boolean }>;
}

/** @param options.ttlMs how long a key is remembered */
export function createIdempotencyKeys(options: { redis: Redis; ttlMs: number }): IdempotencyKeys {
  const { redis, ttlMs } = options;
  return {
    claim: async (userId, key, body, ids) => {
      const fingerprint = sha256(JSON.stringify(body));
      // The hash keeps a key with colons from being read as part of the user's id, or the other way round.
      const redisKey = redisKeys.idempotency(userId, sha256(key));
      const value = JSON.stringify({ ...ids, fingerprint });
      for (;;) {
        if (await orStoreUnavailable(redis.set(redisKey, value, 'PX', ttlMs, 'NX'))) return { ids, repeated: false };
        const kept = await orStoreUnavailable(redis.get(redisKey));
        // It expired between the two commands.
        if (kept === null) continue;
        const { fingerprint: first, ...firstIds } = JSON.parse(kept) as Claim & { fingerprint: string };
        if (first !== fingerprint) throw new ApiError('idempotency_key_reused');
        return { ids: firstIds, repeated: true };
      }
    },
  };
}

/** A string as structured fields (RFC 9651) write it, and parameters after it, which say nothing to us. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"\s*(?:;.*)?$/;

/**
 * The `Idempotency-Key` header, if there is one. A key in quotes, as the standard has it, is the same as one without.
 * @throws ApiError validation_failed
 */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = QUOTED.exec(header)?.[1]?.replace(/\\(.)/g, '$1') ?? header;
  if (key.length <= limits.idempotencyKeyChars && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(key)) return key;
  throw new ApiError('validation_failed', {
    errors: [
      { path: 'Idempotency-Key', message: `must be 1 to ${limits.idempotencyKeyChars} printable ASCII characters` },
    ],
  });
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
