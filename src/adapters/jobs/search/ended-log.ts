import type { Logger } from 'pino';
import { closeInTime } from '../../rabbitmq/close-in-time.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { atIntervals } from '../at-intervals.ts';
import { appendEnded } from '../redis-scripts/append-ended.ts';
import type { ToKey } from '../redis-scripts/bullmq-layout.ts';
import { type EndedJob, lineOf } from './ended-line.ts';

/** How often lines are written. Until then, a completed job is not found by its user or session. */
const WRITE_EVERY_MS = 1_000;

/** How many ended jobs are kept, and for how long. */
export interface EndedJobLimits {
  completedJobsKept: number;
  completedJobsAgeMs: number;
  failedJobsKept: number;
  failedJobsAgeMs: number;
}

/**
 * Writes a line about each job that has ended, so that an operator can search for it by user, session and code.
 *
 * A failed job is rare: its line is written before it is moved to the failed jobs, and so is never missing. Completed jobs are
 * many, and none of them may cost a command. Their lines are written together, once a second. The log is *resting* until
 * then, *writing*, or *stopped*; see `atIntervals`. If the process is killed, the lines of its last second are missing until
 * a worker starts: see `logMissingJobs`.
 *
 * A line stays when its job is retried or removed. So readers of the log also look at the job.
 */
export interface EndedLog {
  start(): void;
  /** Writes the lines that are not yet written. */
  stop(): Promise<void>;
  /** @param job its `at` is now */
  completed(job: EndedJob): void;
  /** @throws StoreUnavailableError */
  failed(job: EndedJob): Promise<void>;
}

export function createEndedLog(options: EndedJobLimits & { redis: Redis; toKey: ToKey; logger: Logger }): EndedLog {
  const { redis, toKey, logger, completedJobsKept } = options;
  let unwritten: EndedJob[] = [];
  let stop = () => {};

  async function write(): Promise<void> {
    // Jobs that were pushed out by later ones are not kept.
    const jobs = completedJobsKept > 0 ? unwritten.slice(-completedJobsKept) : [];
    unwritten = [];
    if (jobs.length === 0) return;
    try {
      await appendToEndedLog(redis, toKey, 'completed', jobs, options);
    } catch (error) {
      logger.debug({ err: error }, 'completed jobs could not be noted for the search; trying again');
      unwritten = [...jobs, ...unwritten];
    }
  }

  return {
    start: () => {
      stop = atIntervals(WRITE_EVERY_MS, write);
    },
    stop: async () => {
      stop();
      await closeInTime(write());
    },
    completed: (job) => {
      unwritten.push(job);
      if (unwritten.length > 2 * completedJobsKept) unwritten = unwritten.slice(unwritten.length - completedJobsKept);
    },
    failed: (job) => appendToEndedLog(redis, toKey, 'failed', [job], options),
  };
}

/** @throws StoreUnavailableError */
export async function appendToEndedLog(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  jobs: readonly EndedJob[],
  limits: EndedJobLimits,
): Promise<void> {
  const { completedJobsKept, completedJobsAgeMs, failedJobsKept, failedJobsAgeMs } = limits;
  const bounds =
    state === 'completed'
      ? { kept: completedJobsKept, ageMs: completedJobsAgeMs }
      : { kept: failedJobsKept, ageMs: failedJobsAgeMs };
  await orStoreUnavailable(appendEnded(redis, toKey, state, jobs.map(lineOf), bounds));
}
