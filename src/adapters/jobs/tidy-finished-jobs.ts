import type { Logger } from 'pino';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { atIntervals } from './at-intervals.ts';
import type { JobShard, JobShards } from './job-shards.ts';
import { findTexts } from './redis-scripts/find-texts.ts';
import { rememberFinished } from './redis-scripts/remember-finished.ts';
import { removeOldJobs } from './redis-scripts/remove-old-jobs.ts';
import { removeTexts } from './redis-scripts/remove-texts.ts';
import { untilStored } from './until-stored.ts';

/** How late something may be removed. */
const EVERY_MS = 60_000;
/** Redis does nothing else while it runs a batch. A batch of this size takes a few ms. */
const MAX_BATCH = 200;

interface FinishedJobLimits {
  completedJobsAgeMs: number;
  failedJobsAgeMs: number;
  /** How long a completed job keeps its text. */
  finishedJobTextMs: number;
  /** How long a duplicate of a finished request is recognised. */
  redeliveryWindowMs: number;
}

/**
 * Removes the text of completed jobs, and old jobs as a whole, when their time has come. Scripts of BullMQ and of ours
 * remove old jobs too, but only while other jobs finish. On a quiet day they would remove nothing. It runs once a
 * minute; see `atIntervals` for its states.
 *
 * It also handles the jobs that an earlier version of this product has completed. They have kept their text, and their
 * requests are not remembered as finished.
 * @returns `start` resolves once those requests are remembered. No job may complete before that: it might push out one
 * of those jobs, and then a duplicate of that job's request would be answered again
 */
export function tidyFinishedJobs(options: FinishedJobLimits & { redis: Redis; shards: JobShards; logger: Logger }): {
  start(): Promise<void>;
  stop(): void;
} {
  const all = options.shards.all.map((shard) => tidyShard({ ...options, shard }));
  return {
    start: async () => {
      await Promise.all(all.map((shard) => shard.start()));
    },
    stop: () => {
      for (const shard of all) shard.stop();
    },
  };
}

function tidyShard(
  options: FinishedJobLimits & { redis: Redis; shard: JobShard; logger: Logger },
): ReturnType<typeof tidyFinishedJobs> {
  const { redis, logger, redeliveryWindowMs } = options;
  const { toKey } = options.shard;
  /** Jobs that completed before this time, in ms, have no text any more. */
  let tidyUntil = 0;
  let stop = () => {};

  /**
   * Calls `see` with the ids of jobs that completed within a time range and still have their text, a batch at a time.
   */
  async function forTexts(range: { from: number; until: number }, see: (jobIds: string[]) => Promise<void>) {
    for (let skip = 0; ; skip += MAX_BATCH) {
      const { looked, jobIds } = await findTexts(redis, toKey, { ...range, skip, limit: MAX_BATCH });
      if (jobIds.length > 0) await see(jobIds);
      if (looked < MAX_BATCH) return;
    }
  }

  const remember = (jobIds: string[]) => rememberFinished(redis, toKey, jobIds, { windowMs: redeliveryWindowMs });

  async function removeOld(state: 'completed' | 'failed', ageMs: number): Promise<void> {
    const until = Date.now() - ageMs;
    while ((await removeOldJobs(redis, toKey, state, { until, limit: MAX_BATCH })) === MAX_BATCH);
  }

  async function removeOldTexts(): Promise<void> {
    const until = Date.now() - options.finishedJobTextMs;
    await forTexts({ from: tidyUntil, until }, async (jobIds) => {
      await remember(jobIds);
      await removeTexts(redis, toKey, jobIds);
    });
    tidyUntil = until;
  }

  async function tidy(): Promise<void> {
    try {
      await removeOldTexts();
      await removeOld('completed', options.completedJobsAgeMs);
      await removeOld('failed', options.failedJobsAgeMs);
    } catch (error) {
      logger.debug({ err: error }, 'finished jobs could not be tidied; trying again later');
    }
  }

  return {
    start: async () => {
      const all = { from: 0, until: Number.MAX_SAFE_INTEGER };
      await untilStored(() => orStoreUnavailable(forTexts(all, remember)), logger).catch((error) =>
        logger.warn({ err: error }, 'jobs that an earlier version has completed could not be remembered'),
      );
      stop = atIntervals(EVERY_MS, tidy, { atOnce: true });
    },
    stop: () => stop(),
  };
}
