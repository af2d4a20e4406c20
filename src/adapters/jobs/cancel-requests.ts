import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import { cancelRequest } from './cancellations.ts';
import { type ChatQueue, promoteJobs } from './job-queue.ts';

/**
 * Has the work on these requests stop, wherever it is now or comes later. A job that waits for its next attempt goes on at
 * once, so that a worker ends it now. Two round trips.
 * @param redis the connection that the queue was opened with
 * @throws StoreUnavailableError
 */
export async function cancelRequests(queue: ChatQueue, redis: Redis, requestIds: readonly string[]): Promise<void> {
  await orStoreUnavailable(Promise.all(requestIds.map((requestId) => cancelRequest(redis, requestId))));
  await orStoreUnavailable(promoteJobs(queue, redis, requestIds));
}
