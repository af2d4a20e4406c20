import { RETRY_RUNS_KEY, RUNNING_RETRY_RUNS_KEY, redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { lineConstants } from './line.ts';

const script = defineScript(import.meta.dirname, 'step-retry-run', lineConstants);

/**
 * Retries those jobs of a run that are due now. One round trip.
 * @param options.most how many at most
 * @param options.keptMs how long the run is kept after its last step
 * @returns the state of the run; undefined: it was not running
 */
export async function stepRetryRun(
  redis: Redis,
  toKey: ToKey,
  { id, code }: { id: string; code: string },
  { most, keptMs }: { most: number; keptMs: number },
): Promise<'running' | 'finished' | 'failed' | undefined> {
  const keys = [
    ...[redisKeys.retryRun(id), redisKeys.retryRunJobs(id), RUNNING_RETRY_RUNS_KEY, RETRY_RUNS_KEY],
    ...keysOf(toKey, 'failed', 'prioritized', 'next-tags', 'marker', 'meta'),
  ];
  const state = (await script(redis, keys, [toKey(''), id, code, most, keptMs])) as
    | 'running'
    | 'finished'
    | 'failed'
    | null;
  return state ?? undefined;
}
