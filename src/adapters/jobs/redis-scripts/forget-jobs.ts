import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { finishedConstants, finishedDigest } from './finished-requests.ts';

const script = defineScript(import.meta.dirname, 'forget-jobs', finishedConstants);

/**
 * Removes everything that is kept of jobs. Only a digest of each stays, by which a message that comes again is
 * recognised. One round trip.
 * @param jobIds at most 1,000
 * @param options.rememberMs how long they are recognised at least
 * @returns the ids of jobs that a worker has in hand; these were not removed
 */
export async function forgetJobs(
  redis: Redis,
  toKey: ToKey,
  jobIds: readonly string[],
  { rememberMs }: { rememberMs: number },
): Promise<string[]> {
  const keys = keysOf(toKey, 'active', 'wait', 'prioritized', 'delayed', 'completed', 'failed', 'finished');
  const args = [toKey(''), rememberMs, ...jobIds.flatMap((id) => [id, finishedDigest(id)])];
  return (await script(redis, keys, args)) as string[];
}
