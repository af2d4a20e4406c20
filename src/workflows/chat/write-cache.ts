import type { AnswerCache } from '../../adapters/answers/answer-cache.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/**
 * Keeps an answer as the last one of its session, and for others who ask the same. If the cache is out of reach, the answer is
 * not kept, which does no harm: it is safe in the job. One round trip.
 * @param shared the hash under which others find the answer, and the request whose claim ends. undefined: it is not for others
 * @returns the requests that wait for the answer. undefined: the cache was out of reach
 */
export async function writeCache(
  cache: AnswerCache,
  sessionId: string,
  answer: ModelAnswer,
  shared: { hash: string; requestId: string } | undefined,
): Promise<string[] | undefined> {
  try {
    const [waiting] = await Promise.all([
      shared ? cache.keep(shared.hash, shared.requestId, answer) : [],
      cache.keepLast(sessionId, answer),
    ]);
    return waiting;
  } catch {
    return undefined;
  }
}
