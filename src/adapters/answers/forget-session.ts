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
