import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'stop-retry-run');

/** Stops a shard's part of a run. One round trip. @param prefix of the shard @returns whether it was running */
export async function stopRetryRun(redis: Redis, prefix: string, id: string): Promise<boolean> {
  const keys = [redisKeys.retryRun(prefix, id), redisKeys.retryRunJobs(prefix, id), redisKeys.runningRetryRuns(prefix)];
  return (await script(redis, keys, [])) === 1;
}
