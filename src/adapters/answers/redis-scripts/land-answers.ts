import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import { inSlotGroups } from '../../redis/in-slot-groups.ts';
import type { Redis } from '../../redis/redis.ts';
import type { HashedQuestion } from './look-up-answers.ts';

const script = defineScript(import.meta.dirname, 'land-answers');

interface Kept {
  /** JSON */
  text: string;
  ttlMs: number;
}

export interface Landing {
  /** The question whose claim is given up. Left out, nobody has claimed it. */
  question?: HashedQuestion | undefined;
  /** The answer as it is kept for whoever asks the question. Left out, it is not. */
  entry?: Kept | undefined;
  /** The answer as it is kept as the last one of its session. Left out, it is not. */
  last?: (Kept & { sessionId: string }) | undefined;
}

/**
 * Keeps answers, and gives the claims up. One round trip. @returns for each landing, the ids of the requests that wait
 */
export function landAnswers(redis: Redis, landings: readonly Landing[]): Promise<string[]>[] {
  if (!redis.isCluster)
    return inSlotGroups(
      redis,
      landings,
      () => '',
      (group) => landGroup(redis, group),
    );
  // The two places where an answer is kept are in two slots.
  const parts = landings.map(({ question, entry, last }): Landing[] => [
    ...(question ? [{ question, entry }] : []),
    ...(last ? [{ last }] : []),
  ]);
  const landed = inSlotGroups(redis, parts.flat(), keyOf, (group) => landGroup(redis, group));
  return parts.map(async ({ length }) => (await Promise.all(landed.splice(0, length))).flat());
}

const keyOf = ({ question, last }: Landing) =>
  question ? redisKeys.answer(question.hash) : redisKeys.response(last!.sessionId);

async function landGroup(redis: Redis, landings: readonly Landing[]): Promise<string[][]> {
  const keys: string[] = [];
  const args: (string | number)[] = [];
  for (const { question, entry, last } of landings) {
    if (question) keys.push(redisKeys.answer(question.hash));
    if (last) keys.push(redisKeys.response(last.sessionId));
    args.push(question?.requestId ?? '', question ? (entry?.ttlMs ?? 0) : -1, last?.ttlMs ?? 0);
    args.push(entry?.text ?? '', !last || last.text === entry?.text ? '' : last.text);
  }
  return (await script(redis, keys, args)) as string[][];
}
