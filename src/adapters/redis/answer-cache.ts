import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { limits } from '../../contracts/limits.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { AnswerParameters, ModelAnswer } from '../model/model-provider.ts';

/** Part of every hash: raise it when what an entry or its parameters mean changes, and no old entry is read. */
const HASH_VERSION = 1;
/** TTLs are spread by this share both ways, so that what was written together does not expire together. */
const TTL_JITTER = 0.1;

const entry = z.object({
  response: z.string().min(1).max(limits.responseChars),
  model: z.string().max(limits.modelNameChars),
  provider: z.string().max(limits.modelNameChars),
});

/** Answers by the hash of all that determines them, and the last answer of each session. */
export interface AnswerCache {
  /** SHA-256, hexadecimal; the order of properties does not matter. */
  hashOf(parameters: AnswerParameters): string;
  /** One GET. The usage of a cached answer is zero. An entry that cannot be read is a miss, and removed. */
  get(hash: string): Promise<ModelAnswer | undefined>;
  /**
   * One round trip: keeps the answer under the hash, unless it is too large, and as the session's last one.
   * @param hash undefined: only as the session's last answer
   */
  put(hash: string | undefined, sessionId: string, answer: ModelAnswer): Promise<void>;
  /** Removes the session's last answer. */
  forgetSession(sessionId: string): Promise<void>;
}

export function createAnswerCache(options: {
  redis: Redis;
  ttlMs: number;
  /** An answer whose entry is larger is not kept for others. */
  maxEntryBytes: number;
  /** In [0, 1); for tests. */
  random?: () => number;
}): AnswerCache {
  const { redis, ttlMs, maxEntryBytes, random = Math.random } = options;

  return {
    hashOf: (parameters) =>
      createHash('sha256')
        .update(`${HASH_VERSION}:${canonicalJson(parameters)}`)
        .digest('hex'),

    get: async (hash) => {
      const key = redisKeys.answer(hash);
      let text: string | null;
      try {
        text = await redis.get(key);
      } catch (error) {
        if (!isWrongType(error)) throw error;
        text = '';
      }
      if (text === null) return undefined;
      const kept = entry.safeParse(jsonOf(text));
      if (kept.success)
        return { ...kept.data, usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 } };
      await redis.del(key);
      return undefined;
    },

    put: async (hash, sessionId, { response, model, provider }) => {
      const text = JSON.stringify({ response, model, provider });
      const keptMs = Math.max(1, Math.round(ttlMs * (1 + TTL_JITTER * (2 * random() - 1))));
      const commands = redis.pipeline().set(redisKeys.response(sessionId), text, 'PX', keptMs);
      if (hash !== undefined && Buffer.byteLength(text) <= maxEntryBytes) {
        commands.set(redisKeys.answer(hash), text, 'PX', keptMs);
      }
      for (const [error] of (await commands.exec()) ?? []) if (error) throw error;
    },

    forgetSession: async (sessionId) => {
      await redis.del(redisKeys.response(sessionId));
    },
  };
}

/** JSON with the properties of every object in the order of their names. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isWrongType = (error: unknown) => error instanceof Error && error.message.startsWith('WRONGTYPE');
