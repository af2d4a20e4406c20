import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'trim-ended');

/**
 * Removes lines about jobs that ended before a time. One round trip.
 * @param range.before ms
 * @param range.limit how many elements of the log are removed at most, each with about 50 lines
 * @returns how many lines were removed, and whether there may be more
 */
export async function trimEnded(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  { before, limit }: { before: number; limit: number },
): Promise<{ removed: number; more: boolean }> {
  const [removed, more] = (await script(redis, [toKey(`${state}-log`)], [before, limit])) as [number, number];
  return { removed, more: more === 1 };
}
