import { z } from 'zod';
import type { CacheKeys, CacheOwner } from '../../contracts/cache-keys.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';
import { usage } from '../../contracts/chat-response.ts';
import { limits } from '../../contracts/limits.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';
import { type CachedQuestion, cachedQuestion } from './cached-question.ts';
import { jittered } from './jittered.ts';

const recordedCall = z.object({
  answer: z.object({
    response: z.string().min(1).max(limits.responseChars),
    model: z.string().max(limits.modelNameChars),
    provider: z.string().max(limits.modelNameChars),
    usage: usage.nullable(),
    finishReason: z.enum(['stop', 'length', 'content_filter']).nullable(),
  }),
  modelMs: z.number().nonnegative(),
  pieces: z.array(z.tuple([z.number().nonnegative(), z.int().positive()])),
});

/** A call of the model, as another request may be given it. */
export type RecordedCall = z.output<typeof recordedCall>;

/** The fields of a request on which it depends whose calls it may be given. */
export type Asker = Pick<ChatRequest, 'userId' | 'tenantId' | 'stream'>;

/**
 * Keeps calls of the model for other users. A call that is found stands in for a call of the model: it brings the same answer after
 * the same time. What a user can see must not depend on what others have asked, so everything else about it is a call, too.
 * Each operation costs one round trip.
 */
export interface RecordedCalls {
  /**
   * @returns undefined: the request is given calls of nobody else
   * @throws StoreUnavailableError, MasterKeyMissingError
   */
  questionOf(parameters: object, asker: Asker): Promise<CachedQuestion | undefined>;
  find(question: CachedQuestion): Promise<RecordedCall | undefined>;
  /** Keeps a call, unless it is too large. */
  keep(question: CachedQuestion, call: RecordedCall): Promise<void>;
}

/** Who may be given an answer. */
export type CacheScope = 'user' | 'tenant' | 'all';

/** @param options.maxEntryBytes a larger entry is not kept */
export function createRecordedCalls(options: {
  redis: Redis;
  keys: CacheKeys;
  scope: CacheScope;
  ttlMs: number;
  maxEntryBytes: number;
}): RecordedCalls {
  const { redis, keys, scope, ttlMs, maxEntryBytes } = options;
  return {
    questionOf: async (parameters, { tenantId, stream = false }) => {
      const owner = ownerIn(scope, tenantId);
      // A call that is not streamed does not say how its text came.
      return owner && (await cachedQuestion(keys, owner, { recorded: 1, stream, parameters }));
    },
    find: async ({ hash, key }) => {
      const kept = await redis.get(redisKeys.answer(hash));
      return kept === null ? undefined : callIn(key.open(hash, kept));
    },
    keep: async ({ hash, key }, { answer, modelMs, pieces }) => {
      const { response, model, provider, usage, finishReason } = answer;
      const call: RecordedCall = { answer: { response, model, provider, usage, finishReason }, modelMs, pieces };
      const entry = JSON.stringify(call);
      if (Buffer.byteLength(entry) > maxEntryBytes) return;
      await redis.set(redisKeys.answer(hash), key.seal(hash, entry), 'PX', jittered(ttlMs, Math.random()));
    },
  };
}

function ownerIn(scope: CacheScope, tenantId: string | undefined): CacheOwner | undefined {
  if (scope === 'all') return 'everybody';
  return scope === 'tenant' && tenantId !== undefined ? { tenantId } : undefined;
}

/** An entry that is not ours counts as none. */
function callIn(entry: string | undefined): RecordedCall | undefined {
  try {
    return recordedCall.safeParse(JSON.parse(entry ?? '')).data;
  } catch {
    return undefined;
  }
}
