import type { AnswerCache } from '../../adapters/answers/answer-cache.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/** What other requests with the same question need to know about an answer. */
export interface SharedAnswer {
  /** The hash under which they find the answer. */
  hash: string;
  /** The request that asked the model, whose claim ends. */
  requestId: string;
  /** The trace context of the attempt that asked the model. undefined: tracing is off. */
  traceparent?: string | undefined;
}

/**
 * Keeps an answer as the last one of its session, and for other requests with the same question. If the cache is out of
 * reach, the answer is not kept. That does no harm, because the job has the answer. One round trip.
 * @param shared undefined: the answer is not for others
 * @returns the requests that wait for the answer. undefined: the cache was out of reach
 */
export async function writeCache(
  cache: AnswerCache,
  sessionId: string,
  answer: ModelAnswer,
  shared: SharedAnswer | undefined,
): Promise<string[] | undefined> {
  try {
    const [waiting] = await Promise.all([
      shared ? cache.keep(shared.hash, shared.requestId, answer, shared.traceparent) : [],
      cache.keepLast(sessionId, answer),
    ]);
    return waiting;
  } catch {
    return undefined;
  }
}
