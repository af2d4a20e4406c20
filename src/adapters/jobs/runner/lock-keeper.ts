import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { ActiveJob } from '../job-in-hand.ts';
import { lockJobs } from '../redis-scripts/lock-jobs.ts';

/** How often locks are renewed. A job that is done sooner never gets one. */
export const RENEW_MS = 1_000;
/** Redis does nothing else meanwhile: a batch of this size takes it a few ms. */
const MAX_BATCH = 200;

/** Keeps the locks of the jobs that a process has in hand. */
export interface JobLocks {
  /**
   * Locks jobs, or renews their locks; a job that turns out to be cancelled is told so. One round trip for 200.
   * @returns the ids of those that are in hand no more, and of these the ones that do not exist any more
   * @throws StoreUnavailableError
   */
  lock(jobs: readonly ActiveJob[]): Promise<{ lost: Set<string>; gone: Set<string> }>;
  /** Renews the locks that are due. @throws StoreUnavailableError */
  renew(inHand: Iterable<ActiveJob>): Promise<void>;
}

/** @param options.token what this process is called in the locks */
export function createJobLocks(options: {
  redis: Redis;
  toKey: (type: string) => string;
  token: string;
  lockMs: number;
  logger: Logger;
}): JobLocks {
  const { redis, toKey, token, lockMs, logger } = options;

  async function lock(jobs: readonly ActiveJob[]): Promise<{ lost: Set<string>; gone: Set<string> }> {
    const lost = new Set<string>();
    const gone = new Set<string>();
    for (let first = 0; first < jobs.length; first += MAX_BATCH) {
      const batch = jobs.slice(first, first + MAX_BATCH);
      for (const job of batch) job.locked = true;
      const found = await orStoreUnavailable(lockJobs(redis, toKey, batch, { token, lockMs }));
      // A notice may have been missed: it was published while our subscriber was away.
      const cancelled = new Set(found.cancelled);
      for (const job of batch) if (cancelled.has(job.id)) job.cancel();
      for (const id of [...found.lost, ...found.gone]) lost.add(id);
      for (const id of found.gone) gone.add(id);
    }
    // What its user has cancelled or erased may well have been taken away: nobody misses it.
    const missed = jobs.filter(({ id, cancelled }) => lost.has(id) && !cancelled).length;
    if (missed > 0) logger.warn({ jobs: missed }, 'jobs were lost: others may take them up');
    return { lost, gone };
  }

  return {
    lock,
    renew: async (inHand) => {
      const now = performance.now();
      const due = [...inHand].filter((job) => !job.leaving && job.heldAt + RENEW_MS / 2 < now);
      if (due.length === 0) return;
      const { lost } = await lock(due);
      // What is lost is not asked for again.
      for (const job of due) job.heldAt = lost.has(job.id) ? Number.POSITIVE_INFINITY : now;
    },
  };
}
