import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { lineConstants } from './line.ts';

const script = defineScript(import.meta.dirname, 'return-jobs', lineConstants);

/**
 * Puts jobs that are delayed or have failed in line at once. Other jobs stay as they are. One round trip.
 * @param jobIds at most 1,000
 * @returns how many of them are in line now
 */
export async function returnJobs(
  redis: Redis,
  toKey: ToKey,
  from: 'delayed' | 'failed',
  jobIds: readonly string[],
): Promise<number> {
  const keys = [toKey(from), ...keysOf(toKey, 'prioritized', 'next-tags', 'marker', 'meta')];
  return (await script(redis, keys, [toKey(''), ...jobIds])) as number;
}
