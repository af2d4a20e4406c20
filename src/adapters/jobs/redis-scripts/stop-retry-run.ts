import { RUNNING_RETRY_RUNS_KEY, redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'stop-retry-run');

/** Stops a run. One round trip. @returns whether it was running */
export async function stopRetryRun(redis: Redis, id: string): Promise<boolean> {
  const keys = [redisKeys.retryRun(id), redisKeys.retryRunJobs(id), RUNNING_RETRY_RUNS_KEY];
  return (await script(redis, keys, [])) === 1;
}
