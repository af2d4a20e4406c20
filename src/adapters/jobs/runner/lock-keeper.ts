import type { Logger } from 'pino';
import { atIntervals } from '../at-intervals.ts';
import type { JobToLock, LockedJobs } from '../redis-scripts/lock-jobs.ts';
import type { ActiveJob } from './active-job.ts';

/** How often locks are renewed. A job that ends sooner never gets a lock. */
const RENEW_MS = 1_000;
/** Redis does nothing else while it runs a batch. A batch of this size takes a few ms. */
const MAX_BATCH = 200;

/**
 * Keeps the locks of the jobs in hand. Without a lock, another process would take a job for one whose process has died.
 * Once a second it locks the jobs that were taken, or last locked, more than half a second ago. The same script reports
 * which jobs this process no longer has. It also reports cancelled jobs, in case their notice was missed.
 *
 * It is *resting* until the next renewal, *running*, or *stopped*: see `atIntervals`. ActiveJob describes how it
 * changes a job's phase.
 */
export interface LockKeeper {
  start(): void;
  stop(): void;
  /**
   * Locks jobs, or renews their locks. If a job was cancelled, its signal is aborted. One round trip for 200 jobs.
   * @returns the ids of the jobs that this process no longer has; of these, `gone` no longer exist
   * @throws StoreUnavailableError
   */
  lock(jobs: readonly ActiveJob[]): Promise<{ lost: Set<string>; gone: Set<string> }>;
}

/**
 * @param options.jobs the jobs in hand
 * @param options.lockJobs locks a batch: see lock-jobs
 */
export function createLockKeeper(options: {
  jobs: Iterable<ActiveJob>;
  lockJobs(batch: readonly JobToLock[]): Promise<LockedJobs>;
  logger: Logger;
}): LockKeeper {
  const { jobs, lockJobs, logger } = options;
  let stop = () => {};

  async function lock(wanted: readonly ActiveJob[]): Promise<{ lost: Set<string>; gone: Set<string> }> {
    const lost = new Set<string>();
    const gone = new Set<string>();
    for (let first = 0; first < wanted.length; first += MAX_BATCH) {
      const batch = wanted.slice(first, first + MAX_BATCH);
      for (const job of batch) job.locked = true;
      const found = await lockJobs(batch);
      // The notice may have been missed, if it was published while our subscriber was disconnected.
      const cancelled = new Set(found.cancelled);
      for (const job of batch) if (cancelled.has(job.id)) job.cancel();
      for (const id of [...found.lost, ...found.gone]) lost.add(id);
      for (const id of found.gone) gone.add(id);
    }
    // If the user has cancelled the request or erased the session, the job may have been removed. That needs no
    // warning.
    const missed = wanted.filter(({ id, cancelled }) => lost.has(id) && !cancelled).length;
    if (missed > 0) logger.warn({ jobs: missed }, 'jobs were lost: others may take them up');
    return { lost, gone };
  }

  async function renew(): Promise<void> {
    const now = performance.now();
    const due = [...jobs].filter(({ phase, renewedAt }) => phase === 'held' && renewedAt + RENEW_MS / 2 < now);
    if (due.length === 0) return;
    const { lost } = await lock(due);
    for (const job of due) {
      job.renewedAt = now;
      // The job may have begun to leave meanwhile.
      if (lost.has(job.id) && job.phase === 'held') job.phase = 'lost';
    }
  }

  return {
    start: () => {
      stop = atIntervals(RENEW_MS, () => renew().catch((error) => logger.debug({ err: error }, 'locks not renewed')));
    },
    stop: () => stop(),
    lock,
  };
}
