import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { cancelRequest } from './cancellations.ts';
import { jobIdOf } from './chat-job.ts';
import { returnJobs } from './job-queue.ts';
import type { JobShard } from './job-shards.ts';

/**
 * Stops the work on these requests, which are in one shard, wherever they are now or come later. A job that waits for its next
 * attempt is put in line at once, so that a worker ends it now. Two round trips.
 * @param redis to the Redis of the shards
 * @throws StoreUnavailableError
 */
export async function cancelRequests(shard: JobShard, redis: Redis, requestIds: readonly string[]): Promise<void> {
  await orStoreUnavailable(Promise.all(requestIds.map((requestId) => cancelRequest(shard, redis, requestId))));
  await orStoreUnavailable(returnJobs(shard, redis, 'delayed', requestIds.map(jobIdOf)));
}
