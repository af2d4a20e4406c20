import type { JobAdmin } from '../../../contracts/jobs.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { cancelRequests } from '../cancel-requests.ts';
import { jobIdOf } from '../chat-job.ts';
import { returnJobs } from '../job-queue.ts';
import type { JobShards } from '../job-shards.ts';
import { failedByCause } from './failed-by-cause.ts';
import { findStory } from './find-story.ts';
import { retryFailedJobs } from './retry-failed.ts';
import { searchJobs } from './search-jobs.ts';

/** @param redis the connection that the shards were opened with */
export function createJobAdmin(shards: JobShards, redis: Redis): JobAdmin {
  const show = async (requestId: string) => (await findStory(shards, redis, requestId))?.story;

  return {
    search: (filter, options) => searchJobs(shards, redis, filter, options),
    show,
    failures: (filter, limit) => orStoreUnavailable(failedByCause(shards, redis, filter, limit)),
    retry: async (requestId) => {
      const jobIds = [jobIdOf(requestId)];
      const returned = await orStoreUnavailable(
        Promise.all(shards.all.map((shard) => returnJobs(shard, redis, 'failed', jobIds))),
      );
      if (returned.includes(1)) return 'retried';
      return (await show(requestId)) ? 'not failed' : 'none';
    },
    retryAll: (options, onProgress) => orStoreUnavailable(retryFailedJobs(shards, redis, options, onProgress)),
    cancel: async (requestId) => {
      const job = await findStory(shards, redis, requestId);
      if (!job) return 'none';
      if (job.story.endedAt !== null) return 'ended';
      await cancelRequests(job.shard, redis, [requestId]);
      return 'cancelling';
    },
  };
}
