import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'find-live-jobs');

/** Where a job is that has not ended. */
export type LivePlace = 'wait' | 'prioritized' | 'delayed' | 'active';

/**
 * Finds jobs that have not ended, in one place. One round trip.
 * @param range.count at most 1,000
 * @param parts what the job's data, which is JSON, must contain
 * @returns how many jobs were looked at, and those that match, with the time when each was added, in ms
 */
export async function findLiveJobs(
  redis: Redis,
  toKey: ToKey,
  place: LivePlace,
  { skip, count }: { skip: number; count: number },
  parts: readonly string[],
): Promise<{ looked: number; found: { jobId: string; at: number }[] }> {
  const [looked, flat] = (await script(redis, [toKey(place)], [toKey(''), skip, count, ...parts])) as [
    number,
    string[],
  ];
  const found = [];
  for (let i = 0; i < flat.length; i += 2) found.push({ jobId: flat[i]!, at: Number(flat[i + 1]) });
  return { looked, found };
}
