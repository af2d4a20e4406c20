import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'begin-retry-run');

/**
 * Begins a shard's part of a run whose list of jobs is there already. One round trip.
 * @param prefix of the shard
 * @param options.keptMs how long it is kept after its last step
 * @returns false: a run of the same code is running
 */
export async function beginRetryRun(
  redis: Redis,
  prefix: string,
  run: { id: string; code: string; by: string; rate: number },
  { listed, keptMs }: { listed: number; keptMs: number },
): Promise<boolean> {
  const { id, code, by, rate } = run;
  const keys = [
    ...[redisKeys.retryRun(prefix, id), redisKeys.retryRunJobs(prefix, id)],
    ...[redisKeys.runningRetryRuns(prefix), redisKeys.retryRuns(prefix)],
  ];
  return (await script(redis, keys, [id, code, by, rate, listed, keptMs])) === 1;
}
