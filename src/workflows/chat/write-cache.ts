import type { AnswerCache, AnswerOf, SharedAnswer } from '../../adapters/answers/answer-cache.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/**
 * Keeps an answer as the last one of its session, and for other requests with the same question. If the cache is out of
 * reach, the answer is not kept. That does no harm, because the job has the answer. One round trip.
 * @param shared undefined: the answer is not for others
 * @returns the requests that wait for the answer. undefined: the cache was out of reach
 */
export async function writeCache(
  cache: AnswerCache,
  of: AnswerOf,
  answer: ModelAnswer,
  shared: SharedAnswer | undefined,
): Promise<string[] | undefined> {
  try {
    return await cache.keep(of, answer, shared);
  } catch {
    return undefined;
  }
}
