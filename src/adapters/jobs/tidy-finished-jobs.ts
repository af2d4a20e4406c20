import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { ToKey } from './redis-scripts/bullmq-layout.ts';
import { findTexts } from './redis-scripts/find-texts.ts';
import { rememberFinished } from './redis-scripts/remember-finished.ts';
import { removeOldJobs } from './redis-scripts/remove-old-jobs.ts';
import { removeTexts } from './redis-scripts/remove-texts.ts';
import { untilStored } from './until-stored.ts';

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
 * It also sees to the jobs that an earlier version of this product has completed, which kept their text and are not
 * remembered as finished.
 * @returns `start` resolves once those are remembered: whoever completes jobs before then may push them out; `stop` ends it
 */
export function tidyFinishedJobs(options: FinishedJobLimits & { redis: Redis; toKey: ToKey; logger: Logger }): {
  start(): Promise<void>;
  stop(): void;
} {
  const { redis, toKey, logger, redeliveryWindowMs } = options;
  /** Of what completed before this, ms, no text is left. */
  let tidyUntil = 0;
  let underWay = false;
  let timer: NodeJS.Timeout | undefined;

  /** Calls back with the ids of those that completed within a time and have their text, some at a time. */
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

  return {
    start: async () => {
      const all = { from: 0, until: Number.MAX_SAFE_INTEGER };
      await untilStored(() => orStoreUnavailable(forTexts(all, remember)), logger).catch((error) =>
        logger.warn({ err: error }, 'jobs that an earlier version has completed could not be remembered'),
      );
      void tidy();
      timer = setInterval(() => void tidy(), EVERY_MS).unref();
    },
    stop: () => clearInterval(timer),
  };
}
