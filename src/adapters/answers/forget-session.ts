import { hashesIn } from '../../contracts/chat-response.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { forgetAnswers } from './redis-scripts/forget-answers.ts';

/**
 * Removes what the cache keeps of an erased session: its last answer, and the answers under these keys (at most
 * 1,000). One round trip.
 * @param answerKeys as responses have them
 * @throws StoreUnavailableError
 */
export async function forgetSession(redis: Redis, sessionId: string, answerKeys: readonly string[]): Promise<void> {
  await orStoreUnavailable(
    Promise.all([redis.del(redisKeys.response(sessionId)), forgetAnswers(redis, answerKeys.flatMap(hashesIn))]),
  );
}

/**
 * Counts what the cache keeps of a session: its last answer, and the answers under these hashes. A claim is no answer. One round
 * trip. @throws StoreUnavailableError
 */
export async function countAnswers(
  redis: Redis,
  sessionId: string,
  answerKeys: readonly string[],
): Promise<{ last: number; cached: number }> {
  const firsts = answerKeys.map((hash) => redis.getrange(redisKeys.answer(hash), 0, 0));
  const [last, ...found] = await orStoreUnavailable(
    Promise.all([redis.exists(redisKeys.response(sessionId)), ...firsts] as const),
  );
  return { last, cached: found.filter((first) => first !== '' && first !== '?' && first !== '!').length };
}
