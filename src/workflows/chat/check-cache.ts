import type { AnswerCache, LookUp } from '../../adapters/answers/answer-cache.ts';
import { AnswerUnderWayError } from '../../contracts/errors.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

export type CacheLookup = 'hit' | 'miss' | 'under way' | 'error';

/**
 * The answer that was given before to the same question; or undefined, and the question is then this request's to ask,
 * and its claim to give up. A cache that is out of reach is a miss: it may cost a model call, never an answer.
 * One round trip.
 * @param lookingUp where it is under way already
 * @throws AnswerUnderWayError another request is asking it
 */
export async function checkCache(
  cache: AnswerCache,
  hash: string,
  requestId: string,
  onLookup: (result: CacheLookup) => void,
  lookingUp: Promise<LookUp> = cache.lookUp(hash, requestId),
): Promise<ModelAnswer | undefined> {
  const found: LookUp | undefined = await lookingUp.catch(() => undefined);
  if (found === 'under way') {
    onLookup('under way');
    throw new AnswerUnderWayError(hash, cache.leaseMs);
  }
  if (typeof found === 'object') {
    onLookup('hit');
    return found.answer;
  }
  onLookup(found === 'claimed' ? 'miss' : 'error');
  return undefined;
}
