import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { finishedConstants, finishedDigest } from './finished-requests.ts';

const script = defineScript(import.meta.dirname, 'find-jobs', finishedConstants);

/** Where a job is, as the script returns it. Numbers may come as strings. */
export type FoundJob =
  | ['none' | 'finished']
  | ['waiting', attemptsMade: string, rank: number]
  | ['delayed', attemptsMade: string, score: string, since: string, code: string]
  | ['active', attemptsMade: string, processedOn: string];

/** Finds out where jobs are. One round trip for any number of them. */
export async function findJobs(redis: Redis, toKey: ToKey, jobIds: readonly string[]): Promise<FoundJob[]> {
  const keys = keysOf(toKey, 'prioritized', 'delayed', 'finished');
  return (await script(redis, keys, [toKey(''), ...jobIds.flatMap((id) => [id, finishedDigest(id)])])) as FoundJob[];
}
