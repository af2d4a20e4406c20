import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'remove-old-jobs');

/**
 * Removes jobs that finished at that time or before. One round trip.
 * @param range.until ms
 * @returns how many were removed, at most `limit`, which is at most 1,000
 */
export async function removeOldJobs(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  { until, limit }: { until: number; limit: number },
): Promise<number> {
  return (await script(redis, [toKey(state)], [toKey(''), until, limit])) as number;
}
