import type { ModelAnswer } from '../../adapters/model/model.ts';
import type { AnswerCache } from '../../adapters/redis/answer-cache.ts';

export type CacheLookup = 'hit' | 'miss' | 'off' | 'error';

/**
 * The answer that was given before to the same question, or undefined. A cache that is out of reach is a miss: it may
 * cost a model call, never an answer.
 * @param cache undefined where caching is off
 */
export async function checkCache(
  cache: AnswerCache | undefined,
  hash: string,
  onLookup: (result: CacheLookup) => void,
): Promise<ModelAnswer | undefined> {
  if (!cache) {
    onLookup('off');
    return undefined;
  }
  try {
    const answer = await cache.get(hash);
    onLookup(answer ? 'hit' : 'miss');
    return answer;
  } catch {
    onLookup('error');
    return undefined;
  }
}
