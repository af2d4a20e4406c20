import type { AnswerCache } from '../../adapters/answers/answer-cache.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/**
 * Keeps an answer as its session's last one, and for whoever asks the same. A cache that is out of reach is gone
 * without: the answer itself is safe in the job. One round trip.
 * @param shared under which hash others find it, and the request that gives up its claim on it; undefined: they do not
 * @returns the requests that wait for the answer; undefined if it was not written
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
