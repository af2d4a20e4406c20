import type { ModelAnswer } from '../../adapters/model/model.ts';
import type { AnswerCache } from '../../adapters/redis/answer-cache.ts';

/**
 * Keeps an answer for whoever asks the same, and as the session's last one. A cache that is out of reach is gone
 * without: the answer itself is safe in the job.
 * @param hash undefined: only as the session's last answer
 * @returns whether it was written
 */
export async function writeCache(
  cache: AnswerCache,
  hash: string | undefined,
  sessionId: string,
  answer: ModelAnswer,
): Promise<boolean> {
  try {
    await cache.put(hash, sessionId, answer);
    return true;
  } catch {
    return false;
  }
}
