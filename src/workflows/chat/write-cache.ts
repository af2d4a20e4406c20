import type { AnswerCache } from '../../adapters/answers/answer-cache.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

/** What others who ask the same need to know of an answer. */
export interface SharedAnswer {
  /** They find the answer under it. */
  hash: string;
  /** The request that asked; its claim ends. */
  requestId: string;
  /** Of the attempt that asked. undefined: nobody traces. */
  traceparent?: string | undefined;
}

/**
 * Keeps an answer as the last one of its session, and for others who ask the same. If the cache is out of reach, the answer is
 * not kept, which does no harm: it is safe in the job. One round trip.
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
