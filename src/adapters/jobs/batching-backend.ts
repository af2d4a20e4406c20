import { type BackendFactory, createRedisBackend, type RedisQueueBackend, raw2NextJobData } from 'bullmq';
import type { Redis } from 'ioredis';
import { inBatches } from '../redis/in-batches.ts';
import { type Completion, completeJobs } from './redis-scripts/complete-jobs.ts';

/** Redis does nothing else meanwhile: a batch of this size takes it a few ms. */
const MAX_BATCH = 100;

/**
 * BullMQ's Redis backend, but that jobs which complete at the same time are completed, and the next ones taken, in one
 * script and one round trip. All else is BullMQ's.
 * @param options.redis the connection that the worker is given
 */
export function createBatchingBackend(options: {
  redis: Redis;
  lockMs: number;
  completedJobsKept: number;
  completedJobsAgeMs: number;
}): BackendFactory<RedisQueueBackend> {
  const { redis, lockMs, completedJobsKept, completedJobsAgeMs } = options;

  return (name, opts, context) => {
    const backend = createRedisBackend(name, opts, context);
    const toKey = (type: string) => backend.toKey(type);
    const complete = inBatches(
      async (completions: Completion[]) => {
        const now = Date.now();
        const settings = { now, lockMs, kept: completedJobsKept, keptMs: completedJobsAgeMs };
        const results = await completeJobs(redis, toKey, completions, settings);
        return results.map((result) => ({ ...result, now }));
      },
      { maxItems: MAX_BATCH },
    );

    backend.moveToCompleted = async (job, returnValue, _keep, token, takeNext) => {
      const { code, next, nextDelayedAt, now } = await complete({
        jobId: job.id!,
        token,
        attemptsMade: job.attemptsMade + 1,
        returnValue: JSON.stringify(returnValue),
        takeNext,
      });
      if (code < 0) {
        throw backend.finishedErrors({ code, jobId: job.id!, command: 'moveToFinished', state: 'active' });
      }
      if (next) return { result: raw2NextJobData([...next, 0, 0]), finishedOn: now };
      return { result: nextDelayedAt === undefined ? undefined : [null, 0, 0, nextDelayedAt], finishedOn: now };
    };
    return backend;
  };
}
