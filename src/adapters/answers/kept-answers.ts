import type { CacheKeys } from '../../contracts/cache-keys.ts';
import { hashesIn } from '../../contracts/chat-response.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { forgetNotes } from './answers-of-user.ts';
import { forgetAnswers } from './redis-scripts/forget-answers.ts';

/** What of the cache is meant: the last answers of these sessions, and the answers under these keys (at most 1,000). */
export interface AnswersOf {
  sessionIds: readonly string[];
  /** As responses have them. */
  answerKeys: readonly string[];
}

/** Removes what the cache keeps of a user, and what is noted of it. One round trip. @throws StoreUnavailableError */
export async function eraseAnswers(redis: Redis, userId: string, { sessionIds, answerKeys }: AnswersOf): Promise<void> {
  const hashes = answerKeys.flatMap(hashesIn);
  const noted = sessionIds.map((sessionId) => ({ sessionId, hashes: [] }));
  await orStoreUnavailable(
    Promise.all([
      ...sessionIds.map((sessionId) => redis.del(redisKeys.response(sessionId))),
      forgetAnswers(redis, hashes),
      forgetNotes(redis, userId, [...noted, { sessionId: '', hashes }]),
    ]),
  );
}

/** Counts what the cache keeps of a user. A claim is no answer. One round trip. @throws StoreUnavailableError */
export async function countAnswers(
  redis: Redis,
  userId: string,
  of: AnswersOf,
): Promise<{ last: number; cached: number }> {
  const [lasts, firsts] = await readBoth(of, {
    last: (sessionId) => redis.get(redisKeys.response(sessionId)),
    cached: (hash) => redis.getrange(redisKeys.answer(hash), 0, 0),
  });
  return { last: lasts.filter((text) => isTheirs(text, userId)).length, cached: firsts.filter(isAnswer).length };
}

/**
 * Reads what the cache keeps. One round trip. @throws StoreUnavailableError, MasterKeyMissingError
 * @returns null for an answer that is sealed with the key of a tenant, or of everybody
 */
export async function readAnswers(
  { redis, keys }: { redis: Redis; keys: CacheKeys },
  userId: string,
  of: AnswersOf,
): Promise<{ last: { sessionId: string; answer: unknown }[]; cached: unknown[] }> {
  const [lasts, entries] = await readBoth(of, {
    last: (sessionId) => redis.get(redisKeys.response(sessionId)),
    cached: async (hash) => ({ hash, entry: await redis.get(redisKeys.answer(hash)) }),
  });
  const kept = entries.filter(({ entry }) => entry !== null && isAnswer(entry));
  const own = kept.length > 0 ? await keys.of({ userId }) : undefined;
  return {
    last: of.sessionIds.flatMap((sessionId, i) =>
      isTheirs(lasts[i]!, userId) ? [{ sessionId, answer: jsonOf(lasts[i]!) }] : [],
    ),
    cached: kept.map(({ hash, entry }) => jsonOf(own?.open(hash, entry!))),
  };
}

async function readBoth<Last, Cached>(
  { sessionIds, answerKeys }: AnswersOf,
  read: { last: (sessionId: string) => Promise<Last>; cached: (hash: string) => Promise<Cached> },
): Promise<[Last[], Cached[]]> {
  return await orStoreUnavailable(
    Promise.all([Promise.all(sessionIds.map(read.last)), Promise.all(answerKeys.flatMap(hashesIn).map(read.cached))]),
  );
}

/** Another service may have asked for several users in one session. Earlier versions did not say whose an answer is. */
function isTheirs(last: string | null, userId: string): boolean {
  if (last === null) return false;
  const of = (jsonOf(last) as { userId?: string } | null)?.userId;
  return of === undefined || of === userId;
}

/** A lease begins with `?` or `!`. */
const isAnswer = (entry: string) => entry !== '' && entry[0] !== '?' && entry[0] !== '!';

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}
