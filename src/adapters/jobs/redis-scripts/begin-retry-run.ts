import { RETRY_RUNS_KEY, RUNNING_RETRY_RUNS_KEY, redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'begin-retry-run');

/**
 * Begins a run whose list of jobs is there already. One round trip.
 * @param options.keptMs how long it is kept after its last step
 * @returns false: a run of the same code is running
 */
export async function beginRetryRun(
  redis: Redis,
  run: { id: string; code: string; by: string; rate: number },
  { listed, keptMs }: { listed: number; keptMs: number },
): Promise<boolean> {
  const { id, code, by, rate } = run;
  const keys = [redisKeys.retryRun(id), redisKeys.retryRunJobs(id), RUNNING_RETRY_RUNS_KEY, RETRY_RUNS_KEY];
  return (await script(redis, keys, [id, code, by, rate, listed, keptMs])) === 1;
}
