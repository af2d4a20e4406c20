import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';
import { FINISHED_DATA } from './finished-data.ts';

const script = defineScript(import.meta.dirname, 'find-texts', { FINISHED_DATA });

/**
 * Finds jobs that completed within a time range and still have their text. One round trip.
 * @param range.from ms
 * @param range.until ms
 * @returns how many completed jobs were looked at, at most `limit`, and the ids of those that still have their text
 */
export async function findTexts(
  redis: Redis,
  toKey: ToKey,
  { from, until, skip, limit }: { from: number; until: number; skip: number; limit: number },
): Promise<{ looked: number; jobIds: string[] }> {
  const args = [toKey(''), from, until, skip, limit];
  const [looked, jobIds] = (await script(redis, [toKey('completed')], args)) as [number, string[]];
  return { looked, jobIds };
}
