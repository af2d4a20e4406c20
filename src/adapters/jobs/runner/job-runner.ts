import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { closeInTime } from '../../rabbitmq/close-in-time.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis, SingleRedis } from '../../redis/redis.ts';
import { atIntervals } from '../at-intervals.ts';
import type { HeadStart } from '../job-in-hand.ts';
import { addJobs, type ChatQueue, type NewJob } from '../job-queue.ts';
import { lockJobs } from '../redis-scripts/lock-jobs.ts';
import { saveJobs } from '../redis-scripts/save-jobs.ts';
import { settleJobs } from '../redis-scripts/settle-jobs.ts';
import { codeIn, type EndedJob } from '../search/ended-line.ts';
import { createEndedLog, type EndedJobLimits } from '../search/ended-log.ts';
import type { ActiveJob } from './active-job.ts';
import { createActiveJobs, type Work } from './active-jobs.ts';
import { ASK_FOR_CHECK_MS, LOCK_MS, openBullMqWorker } from './bullmq-worker.ts';
import { createDisk } from './disk.ts';
import { createHeadStarts } from './head-starts.ts';
import { createJobAdder } from './job-adder.ts';
import { createJobMoves } from './job-moves.ts';
import { createJobSettler, type Write } from './job-settler.ts';
import { createJobTaker } from './job-taker.ts';
import { createLockKeeper } from './lock-keeper.ts';
import { createPlaces } from './places.ts';

/** Takes jobs and has them worked on, some at a time. */
export interface JobRunner<Start extends HeadStart = HeadStart> {
  /**
   * @param work works on a job, and ends it in one of the ways of JobInHand. If it rejects, the job is taken up again
   * as if this process had died
   * @param giveHeadStart called for a job that is being added and will most likely begin at once
   */
  start(work: Work<Start>, giveHeadStart?: (job: NewJob) => Start | undefined): void;
  /**
   * Adds jobs. Begins them at once if no job waits and there is a free place for each of them. Jobs that exist already
   * stay as they are. One round trip.
   * @returns how many jobs no process has in hand then
   * @throws StoreUnavailableError if the jobs must be on disk and may not be
   */
  add(jobs: readonly NewJob[]): Promise<number>;
  /** Aborts the job's signal, now or as soon as the job is in hand here. */
  cancel(jobId: string): void;
  /**
   * Takes no more jobs, and waits for those in hand. After the grace period it calls `onGraceOver` and aborts their
   * signals.
   */
  stop(graceMs: number, onGraceOver: () => void): Promise<void>;
}

/**
 * Puts the parts of the runner together. What happens to every job (adding, taking, saving, completing) is done for many
 * jobs at once, by scripts that leave in Redis what BullMQ's own scripts would leave. BullMQ itself does what is rare:
 * retries, delays, pauses, limits, and jobs whose process has died.
 *
 * - A job comes in through job-adder or job-taker. Both reserve places first, and start the work in active-jobs.
 * - While the work goes on, lock-keeper keeps the job's lock.
 * - The work ends through job-settler (complete) or job-moves (retry, fail, delay, hand back).
 * @param options.redis the connection that the queue was opened with
 * @param options.fsyncRedis a connection of its own, on which jobs are added. They count as added once they are on Redis's
 * disk. All other commands on this connection also wait for the disk. Left out: jobs count as added once Redis has them
 * @param options.attempts how many attempts each added job has
 */
export function createJobRunner<Start extends HeadStart = HeadStart>(
  options: EndedJobLimits & {
    queue: ChatQueue;
    redis: Redis;
    fsyncRedis?: SingleRedis | undefined;
    concurrency: number;
    attempts: number;
    finishedJobTextMs: number;
    redeliveryWindowMs: number;
    logger: Logger;
  },
): JobRunner<Start> {
  const { queue, redis, fsyncRedis, attempts, redeliveryWindowMs, logger } = options;
  /** Identifies this process in the locks of its jobs. */
  const token = randomUUID();
  const bullMq = openBullMqWorker({ redis, token, logger });
  const { backend, toKey } = bullMq;
  const toSave = ([{ id, attemptsStarted }, progress]: Write) => ({ key: toKey(id), attemptsStarted, progress });

  const places = createPlaces(options.concurrency);
  const jobs = createActiveJobs<Start>({ places, logger });
  const locks = createLockKeeper({
    jobs,
    lockJobs: (batch) => orStoreUnavailable(lockJobs(redis, toKey, batch, { token, lockMs: LOCK_MS })),
    logger,
  });
  const endedLog = createEndedLog({ ...options, redis, toKey, logger });
  const settler = createJobSettler({
    places,
    save: (states) => orStoreUnavailable(saveJobs(redis, states.map(toSave))),
    settle: (completions, room) =>
      orStoreUnavailable(
        settleJobs(redis, toKey, completions, {
          now: Date.now(),
          kept: options.completedJobsKept,
          keepsText: options.finishedJobTextMs > 0,
          rememberMs: redeliveryWindowMs,
          room,
        }),
      ),
    begin: (taken) => jobs.begin(taken),
    letGo: jobs.letGo,
    onCompleted: (job) => endedLog.completed(endedJobOf(job, job.outcome ?? 'completed', '')),
    logger,
  });
  const moves = createJobMoves({
    ...{ backend, redis, toKey, token, lock: locks.lock, redeliveryWindowMs, logger },
    failedJobs: { count: options.failedJobsKept, age: options.failedJobsAgeMs / 1000 },
    noteFailed: (job, error) => endedLog.failed(endedJobOf(job, 'failed', codeIn(error.message))),
  });
  const taker = createJobTaker({
    places,
    line: { ...bullMq, take: settler.take },
    begin: (taken) => jobs.begin(taken, undefined, true),
    logger,
  });
  let giveHeadStart: ((job: NewJob) => Start | undefined) | undefined;
  const add = createJobAdder<Start>({
    places,
    headStarts: createHeadStarts({ give: (job) => giveHeadStart?.(job), isInHand: jobs.has }),
    addJobs: (added, room) => orStoreUnavailable(addJobs(queue, fsyncRedis ?? redis, added, { attempts, room })),
    begin: jobs.begin,
    disk: fsyncRedis && createDisk(fsyncRedis),
  });
  let stopChecks = () => {};

  return {
    start: (work, headStartOf) => {
      giveHeadStart = headStartOf;
      jobs.start(work, { save: settler.save, complete: settler.complete, ...moves });
      places.open();
      locks.start();
      endedLog.start();
      stopChecks = atIntervals(ASK_FOR_CHECK_MS, () =>
        bullMq.takeUpStalled().catch((error) => logger.debug({ err: error }, 'stalled jobs not looked for')),
      );
      taker.start();
    },
    add,
    cancel: jobs.cancel,
    stop: async (graceMs, onGraceOver) => {
      places.close();
      const grace = setTimeout(() => {
        onGraceOver();
        jobs.stopAll();
      }, graceMs);
      await bullMq.stopWaiting();
      await places.untilUnused();
      clearTimeout(grace);
      locks.stop();
      stopChecks();
      await endedLog.stop();
      await closeInTime(taker.stopped());
      await bullMq.close();
    },
  };
}

/** What is noted of a job that ends now. Nobody knows whose an unusable one is. */
function endedJobOf(job: ActiveJob, status: EndedJob['status'], code: string): EndedJob {
  const { userId = '', sessionId = '' } = job.unreadable ? {} : job.data.request;
  return { jobId: job.id, at: Date.now(), status, code, userId, sessionId };
}
