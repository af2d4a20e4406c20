import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import { inSlotGroups } from '../../redis/in-slot-groups.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'look-up-answers');

export interface HashedQuestion {
  hash: string;
  requestId: string;
}

/** What was found: the entry; `claimed`: this request must ask the model; or the id of the request that is asking it. */
export type Found = { entry: string } | 'claimed' | { asker: string };

/**
 * Looks up questions. One round trip for all of them.
 * @param leaseMs how long a claim holds
 * @returns what was found for each question, in order
 */
export function lookUpAnswers(redis: Redis, questions: readonly HashedQuestion[], leaseMs: number): Promise<Found>[] {
  return inSlotGroups(
    redis,
    questions,
    ({ hash }) => redisKeys.answer(hash),
    (group) => lookUpGroup(redis, group, leaseMs),
  );
}

async function lookUpGroup(redis: Redis, questions: readonly HashedQuestion[], leaseMs: number): Promise<Found[]> {
  const keys = questions.map(({ hash }) => redisKeys.answer(hash));
  const requestIds = questions.map(({ requestId }) => requestId);
  const found = (await script(redis, keys, [leaseMs, ...requestIds])) as (string | number | [string])[];
  return found.map((value) => {
    if (typeof value === 'string') return { entry: value };
    return typeof value === 'number' ? 'claimed' : { asker: value[0] };
  });
}
