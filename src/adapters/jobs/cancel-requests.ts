import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { cancelRequest } from './cancellations.ts';
import { type ChatQueue, promoteJobs } from './job-queue.ts';

/**
 * Stops the work on these requests, wherever they are now or come later. A job that waits for its next attempt is put
 * in line at once, so that a worker ends it now. Two round trips.
 * @param redis the connection that the queue was opened with
 * @throws StoreUnavailableError
 */
export async function cancelRequests(queue: ChatQueue, redis: Redis, requestIds: readonly string[]): Promise<void> {
  await orStoreUnavailable(Promise.all(requestIds.map((requestId) => cancelRequest(redis, requestId))));
  await orStoreUnavailable(promoteJobs(queue, redis, requestIds));
}
