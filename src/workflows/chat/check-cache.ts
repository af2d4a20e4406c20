import type { ModelAnswer } from '../../adapters/model/model.ts';
import type { AnswerCache } from '../../adapters/redis/answer-cache.ts';
import type { AnswerFlights } from '../../adapters/redis/answer-flights.ts';
import { AnswerUnderWayError } from '../../contracts/errors.ts';

export type CacheLookup = 'hit' | 'miss' | 'under way' | 'error';

/**
 * The answer that was given before to the same question; or undefined, and the question is then this request's to ask,
 * and its claim to give up. A cache that is out of reach is a miss: it may cost a model call, never an answer.
 * One round trip.
 * @throws AnswerUnderWayError another request is asking it
 */
export async function checkCache(
  { cache, flights }: { cache: AnswerCache; flights: AnswerFlights },
  hash: string,
  requestId: string,
  onLookup: (result: CacheLookup) => void,
): Promise<ModelAnswer | undefined> {
  // The claim goes first: whoever gave it up before has written its answer, which is then found.
  const [claim, answer] = await Promise.all([flights.claim(hash, requestId), cache.get(hash)]).catch(() => []);
  if (answer) {
    onLookup('hit');
    return answer;
  }
  if (claim === 'under way') {
    onLookup('under way');
    throw new AnswerUnderWayError(hash, flights.leaseMs);
  }
  onLookup(claim === undefined ? 'error' : 'miss');
  return undefined;
}
