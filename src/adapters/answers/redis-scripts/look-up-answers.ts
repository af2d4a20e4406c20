import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';

const script = defineScript(import.meta.dirname, 'look-up-answers');

export interface HashedQuestion {
  hash: string;
  requestId: string;
}

/**
 * An answer of the cache; or the request has claimed the question; or another one has, and the request waits for it.
 */
export type Found = { entry: string } | 'claimed' | 'under way';

/**
 * Looks up questions. One round trip for all of them.
 * @param leaseMs for how long a claim holds
 * @returns for each question, in order, what was found
 */
export async function lookUpAnswers(
  redis: Redis,
  questions: readonly HashedQuestion[],
  leaseMs: number,
): Promise<Found[]> {
  const keys = questions.map(({ hash }) => redisKeys.answer(hash));
  const requestIds = questions.map(({ requestId }) => requestId);
  const found = (await script(redis, keys, [leaseMs, ...requestIds])) as (string | number)[];
  return found.map((value) => {
    if (typeof value === 'string') return { entry: value };
    return value === 1 ? 'claimed' : 'under way';
  });
}
