import type { SweepName } from '../../contracts/retention.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { forTexts } from './for-texts.ts';
import type { JobShard, JobShards } from './job-shards.ts';
import { forgetPlaces } from './redis-scripts/forget-places.ts';
import { rememberFinished } from './redis-scripts/remember-finished.ts';
import { removeOldJobs } from './redis-scripts/remove-old-jobs.ts';
import { removeTexts } from './redis-scripts/remove-texts.ts';
import { trimEnded } from './redis-scripts/trim-ended.ts';

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

type JobSweep = Extract<
  SweepName,
  'completed_jobs' | 'completed_texts' | 'failed_jobs' | 'job_search' | 'job_events' | 'places_in_line'
>;

/**
 * What the sweeper does with finished jobs, and with what is kept beside them, in all shards. Scripts of BullMQ and of ours
 * remove old jobs too, but only while other jobs finish. On a quiet day they would remove nothing.
 * @returns tasks that give how much they removed, and reject with StoreUnavailableError
 */
export function createJobSweeps(
  options: FinishedJobLimits & { redis: Redis; shards: JobShards },
): Record<JobSweep, () => Promise<number>> {
  const { redis, shards, completedJobsAgeMs, failedJobsAgeMs, finishedJobTextMs, redeliveryWindowMs } = options;
  /** By shard: jobs that completed before this time, in ms, have no text any more. */
  const tidyUntil = new Map<JobShard, number>();

  async function removeOld({ toKey }: JobShard, state: 'completed' | 'failed', ageMs: number): Promise<number> {
    const until = Date.now() - ageMs;
    for (let total = 0; ; ) {
      const removed = await removeOldJobs(redis, toKey, state, { until, limit: MAX_BATCH });
      total += removed;
      if (removed < MAX_BATCH) return total;
    }
  }

  /** An earlier version has not remembered the requests of such jobs. */
  async function removeOldTexts(shard: JobShard): Promise<number> {
    const until = Date.now() - finishedJobTextMs;
    let removed = 0;
    await forTexts(redis, shard.toKey, { from: tidyUntil.get(shard) ?? 0, until }, async (jobIds) => {
      await rememberFinished(redis, shard.toKey, jobIds, { windowMs: redeliveryWindowMs });
      await removeTexts(redis, shard.toKey, jobIds);
      removed += jobIds.length;
    });
    tidyUntil.set(shard, until);
    return removed;
  }

  async function removeOldLines({ toKey }: JobShard, state: 'completed' | 'failed', ageMs: number): Promise<number> {
    const before = Date.now() - ageMs;
    for (let total = 0; ; ) {
      const { removed, more } = await trimEnded(redis, toKey, state, { before, limit: MAX_BATCH });
      total += removed;
      if (!more) return total;
    }
  }

  const inAll = (sweep: (shard: JobShard) => Promise<number>) => async () => {
    let removed = 0;
    for (const shard of shards.all) removed += await orStoreUnavailable(sweep(shard));
    return removed;
  };

  return {
    completed_texts: inAll(removeOldTexts),
    completed_jobs: inAll((shard) => removeOld(shard, 'completed', completedJobsAgeMs)),
    failed_jobs: inAll((shard) => removeOld(shard, 'failed', failedJobsAgeMs)),
    job_search: inAll(
      async (shard) =>
        (await removeOldLines(shard, 'completed', completedJobsAgeMs)) +
        (await removeOldLines(shard, 'failed', failedJobsAgeMs)),
    ),
    // The id of an event begins with its time, in ms.
    job_events: inAll(({ toKey }) => redis.xtrim(toKey('events'), 'MINID', Date.now() - completedJobsAgeMs)),
    places_in_line: inAll(({ toKey }) => forgetPlaces(redis, toKey)),
  };
}
