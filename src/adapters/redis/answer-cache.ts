import { hash as digest } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { limits } from '../../contracts/limits.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { AnswerParameters, ModelAnswer } from '../model/model-provider.ts';
import { type Landing, landAnswers, lookUpAnswers, type Question, renewClaim } from './answer-scripts.ts';
import { inBatches } from './in-batches.ts';

/** Part of every hash: raise it when what an entry or its parameters mean changes, and no old entry is read. */
const HASH_VERSION = 3;
/** TTLs are spread by this share both ways, so that what was written together does not expire together. */
const TTL_JITTER = 0.1;

/** Renewed while its holder lives. */
const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
const MAX_BATCH = 200;
/** A worker's hands are full of those that wait: no longer than this. */
const WAIT_HERE_MS = 250;

const entry = z.object({
  response: z.string().min(1).max(limits.responseChars),
  model: z.string().max(limits.modelNameChars),
  provider: z.string().max(limits.modelNameChars),
});

/** What is known of a question: its answer, or that it is the request's to ask, or that another request is asking it. */
export type LookUp = { answer: ModelAnswer } | 'claimed' | 'under way';

/**
 * Answers by the hash of all that determines them, and the last answer of each session. Each operation is one round trip;
 * those that come together share it.
 *
 * Single flight: of the requests with the same question, one asks the model and the others wait for its answer, in
 * whichever process they are. The claim is a lease, renewed while its holder lives: when it dies the lease runs out,
 * and one of the waiting takes over.
 */
export interface AnswerCache {
  /** How long to wait, in ms, for a holder that may have died. */
  readonly leaseMs: number;
  /** SHA-256, hexadecimal; of the parameters' JSON, so they must be built in one place. */
  hashOf(parameters: AnswerParameters): string;
  /**
   * Gives the answer, or claims the question for the request, or puts the request on the list of those that wait. The
   * usage of a cached answer is zero. An entry that cannot be read is removed.
   */
  lookUp(hash: string, requestId: string): Promise<LookUp>;
  /** Keeps the answer under the hash, unless it is too large, and gives the claim up; gives the requests that wait. */
  keep(hash: string, requestId: string, answer: ModelAnswer): Promise<string[]>;
  /** Gives the claim up without an answer; gives the requests that wait. */
  release(hash: string, requestId: string): Promise<string[]>;
  /** Leaves the claim to whoever takes the request up, within its lease. */
  leave(hash: string, requestId: string): void;
  /** Whether the request is on the list of those that wait, and so will be woken. */
  isAwaiting(hash: string, requestId: string): Promise<boolean>;
  /** Keeps the session's last answer. */
  keepLast(sessionId: string, answer: ModelAnswer): Promise<unknown>;
  /** Removes the session's last answer. */
  forgetSession(sessionId: string): Promise<void>;
  /** Renews no claim any more. */
  close(): void;
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
  const held = new Map<string, string>();
  const askedHere = new Map<string, PromiseWithResolvers<void>>();
  const renewal = setInterval(() => {
    for (const [hash, requestId] of held) {
      // A lease that cannot be renewed runs out, and then the question may be asked twice.
      renewClaim(redis, hash, requestId, LEASE_MS).catch(() => {});
    }
  }, RENEW_MS);
  renewal.unref();

  const jitteredTtlMs = () => Math.max(1, Math.round(ttlMs * (1 + TTL_JITTER * (2 * random() - 1))));
  const landed = (hash: string, requestId: string) => {
    if (held.get(hash) !== requestId) return;
    held.delete(hash);
    askedHere.get(hash)?.resolve();
    askedHere.delete(hash);
  };

  const lookUpBatched = inBatches((questions: Question[]) => lookUpAnswers(redis, questions, LEASE_MS), {
    maxItems: MAX_BATCH,
  });
  const land = inBatches((landings: Landing[]) => landAnswers(redis, landings), { maxItems: MAX_BATCH });

  /** Waits a little for a request of this process that asks the same: to be woken later costs much more. */
  async function lookUpInTurn(hash: string, requestId: string): Promise<LookUp> {
    const asked = askedHere.get(hash);
    if (asked) {
      await Promise.race([asked.promise, sleep(WAIT_HERE_MS, undefined, { ref: false })]);
      return await lookUp(hash, requestId);
    }
    const turn = Promise.withResolvers<void>();
    askedHere.set(hash, turn);
    const found = await lookUp(hash, requestId).catch((error: unknown) => error as Error);
    if (found !== 'claimed') {
      askedHere.delete(hash);
      turn.resolve();
    }
    if (found instanceof Error) throw found;
    return found;
  }

  async function lookUp(hash: string, requestId: string): Promise<LookUp> {
    const found = await lookUpBatched({ hash, requestId });
    if (found === 'claimed') held.set(hash, requestId);
    if (typeof found === 'string') return found;
    const answer = readEntry(found.entry);
    if (answer) return { answer };
    await redis.del(redisKeys.answer(hash));
    return await lookUp(hash, requestId);
  }

  return {
    leaseMs: LEASE_MS,
    hashOf: (parameters) => digest('sha256', `${HASH_VERSION}:${JSON.stringify(parameters)}`),
    lookUp: lookUpInTurn,
    keep: async (hash, requestId, answer) => {
      const text = entryOf(answer);
      const fits = Buffer.byteLength(text) <= maxEntryBytes;
      try {
        return await land({ hash, requestId, entry: fits ? { text, ttlMs: jitteredTtlMs() } : undefined });
      } finally {
        landed(hash, requestId);
      }
    },
    release: async (hash, requestId) => {
      try {
        return await land({ hash, requestId });
      } finally {
        landed(hash, requestId);
      }
    },
    leave: landed,
    isAwaiting: async (hash, requestId) => (await redis.sismember(redisKeys.awaiting(hash), requestId)) === 1,
    keepLast: (sessionId, answer) => redis.set(redisKeys.response(sessionId), entryOf(answer), 'PX', jitteredTtlMs()),
    forgetSession: async (sessionId) => {
      await redis.del(redisKeys.response(sessionId));
    },
    close: () => clearInterval(renewal),
  };
}

const entryOf = ({ response, model, provider }: ModelAnswer) => JSON.stringify({ response, model, provider });

function readEntry(text: string): ModelAnswer | undefined {
  const kept = entry.safeParse(jsonOf(text));
  if (!kept.success) return undefined;
  return { ...kept.data, usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
