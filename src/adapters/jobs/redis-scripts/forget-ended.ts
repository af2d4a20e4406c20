import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'forget-ended');

/**
 * Removes the lines with this part from some elements of a log of ended jobs. One round trip.
 * @param range.last counted from the end of the log: -1 is its last element
 * @param range.count at most 100: Redis does nothing else meanwhile
 * @returns how many elements were looked at, and how many of these became empty and are gone
 */
export async function forgetEnded(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  { last, count, part }: { last: number; count: number; part: string },
): Promise<{ looked: number; emptied: number }> {
  const [looked, emptied] = (await script(redis, [toKey(`${state}-log`)], [last, count, part])) as [number, number];
  return { looked, emptied };
}
