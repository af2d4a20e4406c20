import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShard } from '../job-shards.ts';
import { keysOf } from './bullmq-layout.ts';
import { lineConstants } from './line.ts';

const script = defineScript(import.meta.dirname, 'step-retry-run', lineConstants);

/**
 * Retries those jobs of a shard's part of a run that are due now. One round trip.
 * @param options.most how many at most
 * @param options.keptMs how long the run is kept after its last step
 * @returns the state of the part; undefined: it was not running
 */
export async function stepRetryRun(
  redis: Redis,
  { prefix, toKey }: Pick<JobShard, 'prefix' | 'toKey'>,
  { id, code }: { id: string; code: string },
  { most, keptMs }: { most: number; keptMs: number },
): Promise<'running' | 'finished' | 'failed' | undefined> {
  const keys = [
    ...[redisKeys.retryRun(prefix, id), redisKeys.retryRunJobs(prefix, id)],
    ...[redisKeys.runningRetryRuns(prefix), redisKeys.retryRuns(prefix)],
    ...keysOf(toKey, 'failed', 'prioritized', 'next-tags', 'marker', 'meta'),
  ];
  const state = (await script(redis, keys, [toKey(''), id, code, most, keptMs])) as
    | 'running'
    | 'finished'
    | 'failed'
    | null;
  return state ?? undefined;
}
