import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { partOfUser } from './find-jobs-of.ts';
import { finishedConstants, finishedDigest } from './finished-requests.ts';

export interface ForgetOptions {
  rememberMs: number;
  userId?: string;
}

const script = defineScript(import.meta.dirname, 'forget-jobs', finishedConstants);

/**
 * Removes everything that is kept of jobs. Only a digest of each stays, by which a message that comes again is
 * recognised. One round trip.
 * @param jobIds at most 1,000
 * @param options.rememberMs how long they are recognised at least
 * @param options.userId others' jobs stay; left out: none does
 * @returns the ids of jobs that a worker has in hand; these were not removed
 */
export async function forgetJobs(
  redis: Redis,
  toKey: ToKey,
  jobIds: readonly string[],
  { rememberMs, userId }: ForgetOptions,
): Promise<string[]> {
  const keys = keysOf(toKey, 'active', 'wait', 'prioritized', 'delayed', 'completed', 'failed', 'finished');
  const part = userId === undefined ? '' : partOfUser(userId);
  const args = [toKey(''), rememberMs, part, ...jobIds.flatMap((id) => [id, finishedDigest(id)])];
  return (await script(redis, keys, args)) as string[];
}
