import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { HashedQuestion } from './look-up-answers.ts';

const script = defineScript(import.meta.dirname, 'land-answers');

export interface Landing extends HashedQuestion {
  /** The answer to keep. Left out: the request ended without an answer. */
  entry?: { text: string; ttlMs: number } | undefined;
}

/**
 * Keeps answers, and gives up the claims. One round trip. @returns for each landing, the ids of the requests that wait
 */
export async function landAnswers(redis: Redis, landings: readonly Landing[]): Promise<string[][]> {
  const keys = landings.map(({ hash }) => redisKeys.answer(hash));
  const args = landings.flatMap(({ requestId, entry }) => [requestId, entry?.text ?? '', entry?.ttlMs ?? 0]);
  return (await script(redis, keys, args)) as string[][];
}
