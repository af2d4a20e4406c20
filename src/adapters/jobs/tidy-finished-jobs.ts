import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ToKey } from './redis-scripts/bullmq-keys.ts';
import { rememberFinished } from './redis-scripts/finished-requests.ts';
import { findTexts, removeOldJobs, removeTexts } from './redis-scripts/tidy-jobs.ts';

/** How long after its time has come something may still be there. */
const EVERY_MS = 60_000;
/** Redis does nothing else meanwhile: a batch of this size takes it a few ms. */
const MAX_BATCH = 200;

export interface FinishedJobLimits {
  completedJobsAgeMs: number;
  failedJobsAgeMs: number;
  /** How long a completed job keeps its text. */
  finishedJobTextMs: number;
  /** How long finished requests are recognised when they come again. */
  redeliveryWindowMs: number;
}

/**
 * Removes what finished jobs must not keep any longer: the text of completed jobs, and old jobs altogether. BullMQ, and we,
 * remove old jobs only as others finish: on a quiet day nobody would.
 *
 * It also sees to the jobs that an earlier version of this product has completed, which kept their text: their requests
 * are remembered as finished first.
 * @returns `stop` ends it
 */
export function tidyFinishedJobs(options: FinishedJobLimits & { redis: Redis; toKey: ToKey; logger: Logger }): {
  stop(): void;
} {
  const { redis, toKey, logger } = options;
  /** Of what completed before this, ms, no text is left. */
  let tidyUntil = 0;
  let underWay = false;

  async function removeOld(state: 'completed' | 'failed', ageMs: number): Promise<void> {
    const until = Date.now() - ageMs;
    while ((await removeOldJobs(redis, toKey, state, { until, limit: MAX_BATCH })) === MAX_BATCH);
  }

  async function removeOldTexts(): Promise<void> {
    const until = Date.now() - options.finishedJobTextMs;
    for (let skip = 0; ; skip += MAX_BATCH) {
      const range = { from: tidyUntil, until, skip, limit: MAX_BATCH };
      const { looked, jobIds } = await findTexts(redis, toKey, range);
      if (jobIds.length > 0) {
        await rememberFinished(redis, toKey, jobIds, { windowMs: options.redeliveryWindowMs });
        await removeTexts(redis, toKey, jobIds);
      }
      if (looked < MAX_BATCH) break;
    }
    tidyUntil = until;
  }

  async function tidy(): Promise<void> {
    if (underWay) return;
    underWay = true;
    try {
      await removeOldTexts();
      await removeOld('completed', options.completedJobsAgeMs);
      await removeOld('failed', options.failedJobsAgeMs);
    } catch (error) {
      logger.debug({ err: error }, 'finished jobs could not be tidied, will be tried again');
    } finally {
      underWay = false;
    }
  }

  const timer = setInterval(() => void tidy(), EVERY_MS);
  timer.unref();
  void tidy();
  return { stop: () => clearInterval(timer) };
}
