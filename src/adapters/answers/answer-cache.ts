import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { inBatches } from '../../batching/in-batches.ts';
import type { CacheKeys } from '../../contracts/cache-keys.ts';
import { limits } from '../../contracts/limits.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';
import { type CachedQuestion, cachedQuestion } from './cached-question.ts';
import { jittered } from './jittered.ts';
import { forgetAnswers } from './redis-scripts/forget-answers.ts';
import { type Landing, landAnswers } from './redis-scripts/land-answers.ts';
import { type Found, type HashedQuestion, lookUpAnswers } from './redis-scripts/look-up-answers.ts';
import { renewClaim } from './redis-scripts/renew-claim.ts';

/** How long a claim holds. The process that holds it renews it. */
const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
const MAX_BATCH = 200;
/**
 * How long a job waits inside a worker for another job's answer. While it waits, it occupies one of the worker's
 * places.
 */
const WAIT_HERE_MS = 250;

const entry = z.object({
  response: z.string().min(1).max(limits.responseChars),
  model: z.string().max(limits.modelNameChars),
  provider: z.string().max(limits.modelNameChars),
  finishReason: z.enum(['stop', 'length', 'content_filter']).nullable().default('stop'),
  askedIn: z.string().optional(),
});

/**
 * What a look-up finds: the answer, the traceparent of the attempt that asked the model for it, if that was traced, and
 * `awaited` if it came while another request of this process asked for it; `claimed`: this request must ask the model;
 * `asker`: the id of another request, which is asking it.
 */
export type LookUp =
  | { answer: ModelAnswer; askedIn?: string | undefined; awaited?: true }
  | { asker: string }
  | 'claimed';

/** Whose answer it is, and in which session. */
export interface AnswerOf {
  sessionId: string;
  userId: string;
}

/** What other requests of the user with the same question need to know about an answer. */
export interface SharedAnswer {
  /** Under its hash they find the answer. */
  question: CachedQuestion;
  /** The request that asked the model, whose claim ends. */
  requestId: string;
  /** The traceparent of the attempt that asked the model. undefined: tracing is off. */
  askedIn?: string | undefined;
}

/**
 * Keeps a user's answers by the hash of everything they depend on, and the last answer of each session. Each operation costs one
 * round trip. Operations at the same time share it. What other users may be given is kept apart: see recorded-calls.ts.
 *
 * If several requests of a user in any processes ask the same question, only one of them asks the model (single flight). It
 * claims the question, and the others wait for its answer. The claim is a lease that its holder renews. If the holder
 * dies, the lease expires, and another request takes over.
 */
export interface AnswerCache {
  /** How long to wait, in ms, for a holder that may have died. */
  readonly leaseMs: number;
  /**
   * @returns undefined: the user's key was destroyed, so nothing may be kept
   * @throws StoreUnavailableError, MasterKeyMissingError
   */
  questionOf(parameters: object, userId: string): Promise<CachedQuestion | undefined>;
  /**
   * Returns the answer, or claims the question for the request, or adds the request to those that wait. The usage of a
   * cached answer is zero. An entry that cannot be read is removed.
   */
  lookUp(question: CachedQuestion, requestId: string): Promise<LookUp>;
  /**
   * Keeps the answer as the last one of its session, for other services. If it is shared, keeps it also for the next time that its
   * user asks the same, unless it is too large, and gives up the claim.
   * @returns the ids of the requests that wait for it
   */
  keep(of: AnswerOf, answer: ModelAnswer, shared?: SharedAnswer): Promise<string[]>;
  /** Gives up the claim without an answer. @returns the ids of the requests that wait for one */
  release(hash: string, requestId: string): Promise<string[]>;
  /** Stops renewing the claim. If the lease has not expired, the next worker of this request still has the claim. */
  leave(hash: string, requestId: string): void;
  /** Whether the request is on the list of those that wait. Only then will it be woken. */
  isAwaiting(hash: string, requestId: string): Promise<boolean>;
  /** Removes the answers that are kept under these hashes. */
  forgetAnswers(hashes: readonly string[]): Promise<void>;
  /** Removes the session's last answer. */
  forgetSession(sessionId: string): Promise<void>;
  /** Stops renewing all claims. */
  close(): void;
}

type AskedQuestion = CachedQuestion & HashedQuestion;

export function createAnswerCache(options: {
  redis: Redis;
  keys: CacheKeys;
  ttlMs: number;
  /** Whether the last answer of each session is kept for other services, as it is. */
  keepLast: boolean;
  /** An answer with a larger entry is not kept for other requests. */
  maxEntryBytes: number;
  /** Called with the size of an answer that was read (`hit`), or kept for other requests (`kept`). */
  onBytes?: (operation: 'hit' | 'kept', bytes: number) => void;
  /** Returns a number in [0, 1). For tests. */
  random?: () => number;
}): AnswerCache {
  const { redis, keys, keepLast, ttlMs, maxEntryBytes, onBytes = () => {}, random = Math.random } = options;
  /** The questions that requests of this process are looking up or asking, by hash. */
  const claims = new Map<string, { requestId: string; given?: PromiseWithResolvers<void> }>();
  let renewing = false;
  const renew = async () => {
    // While Redis is away, only one renewal waits for it.
    if (renewing) return;
    renewing = true;
    // A lease that cannot be renewed expires. Then the model may be asked twice.
    await Promise.allSettled([...claims].map(([hash, { requestId }]) => renewClaim(redis, hash, requestId, LEASE_MS)));
    renewing = false;
  };
  const renewal = setInterval(() => void renew(), RENEW_MS);
  renewal.unref();

  const jitteredTtlMs = () => jittered(ttlMs, random());

  function giveUp({ hash, requestId }: HashedQuestion): void {
    const claim = claims.get(hash);
    if (claim?.requestId !== requestId) return;
    claims.delete(hash);
    claim.given?.resolve();
  }

  const land = inBatches(
    async (landings: Landing[]) => {
      const landed = landAnswers(redis, landings);
      await Promise.allSettled(landed);
      for (const { question } of landings) if (question) giveUp(question);
      return landed;
    },
    { maxItems: MAX_BATCH },
  );

  const lookUpNow = inBatches<AskedQuestion, LookUp>(
    async (questions) => {
      const outcomes = await Promise.allSettled(lookUpAnswers(redis, questions, LEASE_MS));
      return outcomes.map((outcome, index) => {
        const question = questions[index]!;
        if (outcome.status === 'fulfilled') return learn(question, outcome.value);
        giveUp(question);
        return Promise.reject(outcome.reason);
      });
    },
    { maxItems: MAX_BATCH },
  );

  function learn(question: AskedQuestion, found: Found): LookUp | Promise<LookUp> {
    if (found === 'claimed') {
      if (claims.get(question.hash)?.requestId !== question.requestId) claims.set(question.hash, question);
      return found;
    }
    giveUp(question);
    if ('asker' in found) return found;
    const text = question.key.open(question.hash, found.entry) ?? '';
    const kept = readEntry(text);
    if (kept) onBytes('hit', Buffer.byteLength(text));
    return kept ?? lookUpAfterRemoval(question);
  }

  async function lookUpAfterRemoval(question: AskedQuestion): Promise<LookUp> {
    await redis.del(redisKeys.answer(question.hash));
    return await lookUpNow(question);
  }

  /**
   * Waits a little for a request of this process that asks the same question. This costs much less than being woken
   * later.
   */
  async function lookUpAfter(given: Promise<void>, question: AskedQuestion): Promise<LookUp> {
    await Promise.race([given, sleep(WAIT_HERE_MS, undefined, { ref: false })]);
    const found = await lookUpNow(question);
    return typeof found === 'object' && 'answer' in found ? { ...found, awaited: true } : found;
  }

  return {
    leaseMs: LEASE_MS,
    questionOf: (parameters, userId) => cachedQuestion(keys, { userId }, parameters),
    lookUp: ({ hash, key }, requestId) => {
      const question = { hash, key, requestId };
      const claim = claims.get(hash);
      if (claim && claim.requestId !== requestId) {
        claim.given ??= Promise.withResolvers();
        return lookUpAfter(claim.given.promise, question);
      }
      if (!claim) claims.set(hash, question);
      return lookUpNow(question);
    },
    keep: ({ sessionId, userId }, answer, shared) => {
      const text = entryOf(userId, answer);
      const last = keepLast ? { sessionId, text, ttlMs: jitteredTtlMs() } : undefined;
      if (!shared) return last ? land({ last }) : Promise.resolve([]);
      const { question, requestId, askedIn } = shared;
      const { hash, key } = question;
      const sharedText = askedIn === undefined ? text : entryOf(userId, answer, askedIn);
      const bytes = Buffer.byteLength(sharedText);
      const fits = bytes <= maxEntryBytes;
      if (fits) onBytes('kept', bytes);
      const entry = fits ? { text: key.seal(hash, sharedText), ttlMs: jitteredTtlMs() } : undefined;
      return land({ question: { hash, requestId }, entry, last });
    },
    release: (hash, requestId) => land({ question: { hash, requestId } }),
    leave: (hash, requestId) => giveUp({ hash, requestId }),
    isAwaiting: async (hash, requestId) => (await redis.sismember(redisKeys.awaiting(hash), requestId)) === 1,
    forgetAnswers: (hashes) => forgetAnswers(redis, hashes),
    forgetSession: async (sessionId) => {
      await redis.del(redisKeys.response(sessionId));
    },
    close: () => clearInterval(renewal),
  };
}

/** Another service may ask for several users in one session, so an answer says whose it is. */
const entryOf = (userId: string, { response, model, provider, finishReason }: ModelAnswer, askedIn?: string) =>
  JSON.stringify({ userId, response, model, provider, finishReason, askedIn });

function readEntry(text: string): Extract<LookUp, { answer: unknown }> | undefined {
  const kept = entry.safeParse(jsonOf(text));
  if (!kept.success) return undefined;
  const { askedIn, ...answer } = kept.data;
  const usage = { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 };
  return { answer: { ...answer, usage }, ...(askedIn !== undefined && { askedIn }) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
