import type { AttemptLog } from '../../adapters/answer-log/answer-log.ts';
import type { AnswerCache, LookUp } from '../../adapters/answers/answer-cache.ts';
import type { CachedQuestion } from '../../adapters/answers/cached-question.ts';
import { AnswerUnderWayError } from '../../contracts/errors.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import type { Span } from '../../contracts/tracer.ts';

/**
 * `joined` is a hit on an answer that this request has waited for while another one asked: a model call was saved. `shared` comes
 * after a miss: a recorded call stands in for the model's.
 */
export type CacheLookup = 'hit' | 'joined' | 'miss' | 'under way' | 'error' | 'shared';

/**
 * Returns the earlier answer to the same question of this user. If there is none, this request claims the question: it asks the
 * model for all of the user's requests that ask the same, and gives up the claim afterwards. If the cache is out of reach, that counts as a
 * miss: it may cost a model call, but never an answer. One round trip; one more if another request has the claim and this
 * one is streamed.
 * @param asked.log follows the request that has the claim. undefined: nobody streams it
 * @param asked.span the step's span, which is linked to the attempt that asked the model
 * @param lookingUp a look-up that has begun already
 * @returns undefined: there is no answer
 * @throws AnswerUnderWayError another request has the claim
 */
export async function checkCache(
  cache: AnswerCache,
  {
    question,
    requestId,
    span,
    log,
  }: {
    question: CachedQuestion;
    requestId: string;
    span?: Span | undefined;
    log?: Pick<AttemptLog, 'follow'> | undefined;
  },
  onLookup: (result: CacheLookup) => void,
  lookingUp: Promise<LookUp | undefined> = cache.lookUp(question, requestId),
): Promise<ModelAnswer | undefined> {
  const found: LookUp | undefined = await lookingUp.catch(() => undefined);
  const note = (result: CacheLookup, outcome = result) => {
    onLookup(result);
    span?.set({ 'healify.outcome': outcome });
  };
  if (found === undefined || found === 'claimed') {
    note(found ? 'miss' : 'error');
    return undefined;
  }
  if ('asker' in found) {
    note('under way');
    await log?.follow(found.asker);
    throw new AnswerUnderWayError(question.hash, cache.leaseMs);
  }
  note(found.awaited ? 'joined' : 'hit', 'hit');
  if (found.askedIn !== undefined) span?.link(found.askedIn);
  return found.answer;
}
