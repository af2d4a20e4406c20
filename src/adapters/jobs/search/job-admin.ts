import type { JobAdmin } from '../../../contracts/jobs.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { cancelRequests } from '../cancel-requests.ts';
import { jobIdOf } from '../chat-job.ts';
import { type ChatQueue, returnJobs } from '../job-queue.ts';
import { placesInLine } from '../place-in-line.ts';
import { failedByCause } from './failed-by-cause.ts';
import { readStory } from './read-job.ts';
import { retryFailedJobs } from './retry-failed.ts';
import { searchJobs } from './search-jobs.ts';

/** @param redis the connection that the queue was opened with */
export function createJobAdmin(queue: ChatQueue, redis: Redis): JobAdmin {
  async function show(requestId: string) {
    const [place] = await placesInLine(queue, redis, [requestId]);
    return await readStory(queue, redis, requestId, place!);
  }

  return {
    search: (filter, options) => searchJobs(queue, redis, filter, options),
    show,
    failures: (filter, limit) => orStoreUnavailable(failedByCause(queue, redis, filter, limit)),
    retry: async (requestId) => {
      const returned = await orStoreUnavailable(returnJobs(queue, redis, 'failed', [jobIdOf(requestId)]));
      if (returned === 1) return 'retried';
      return (await show(requestId)) ? 'not failed' : 'none';
    },
    retryAll: (options, onProgress) => orStoreUnavailable(retryFailedJobs(queue, redis, options, onProgress)),
    cancel: async (requestId) => {
      const job = await show(requestId);
      if (!job) return 'none';
      if (job.endedAt !== null) return 'ended';
      await cancelRequests(queue, redis, [requestId]);
      return 'cancelling';
    },
  };
}
