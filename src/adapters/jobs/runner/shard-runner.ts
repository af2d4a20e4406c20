import type { Logger } from 'pino';
import type { TextSeals } from '../../../contracts/sealing.ts';
import { closeInTime } from '../../rabbitmq/close-in-time.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { atIntervals } from '../at-intervals.ts';
import type { HeadStart } from '../job-in-hand.ts';
import { addJobs, type NewJob } from '../job-queue.ts';
import type { JobShard } from '../job-shards.ts';
import { lockJobs } from '../redis-scripts/lock-jobs.ts';
import { saveJobs } from '../redis-scripts/save-jobs.ts';
import { settleJobs } from '../redis-scripts/settle-jobs.ts';
import { codeIn, type EndedJob } from '../search/ended-line.ts';
import { createEndedLog, type EndedJobLimits } from '../search/ended-log.ts';
import type { ActiveJob } from './active-job.ts';
import { createActiveJobs, type Work } from './active-jobs.ts';
import { ASK_FOR_CHECK_MS, LOCK_MS, openBullMqWorker } from './bullmq-worker.ts';
import { createHeadStarts } from './head-starts.ts';
import { type AddedJobs, createJobAdder } from './job-adder.ts';
import { createJobMoves } from './job-moves.ts';
import { createJobSettler, type Write } from './job-settler.ts';
import { createJobTaker } from './job-taker.ts';
import { createLockKeeper } from './lock-keeper.ts';
import type { ShardPlaces } from './shard-places.ts';

/** Takes the jobs of one shard and has them worked on. See JobRunner, which has one of these for each shard. */
export interface ShardRunner<Start extends HeadStart> {
  start(work: Work<Start>, giveHeadStart?: (job: NewJob) => Start | undefined): void;
  /** Adds jobs whose ids were claimed. */
  add(jobs: readonly NewJob[]): Promise<AddedJobs>;
  cancel(jobId: string): void;
  /** Aborts the signals of the jobs in hand, because this process must stop. */
  abortAll(): void;
  /** Ends the wait for jobs. The places must be closed before. */
  stopWaiting(): Promise<void>;
  /** No job may be in hand any more. */
  stop(): Promise<void>;
}

export interface ShardRunnerOptions extends EndedJobLimits {
  redis: Redis;
  /** The connection to add jobs on. */
  addOn: Redis;
  /** For the texts of jobs. */
  seals: TextSeals;
  attempts: number;
  finishedJobTextMs: number;
  redeliveryWindowMs: number;
  logger: Logger;
}

/**
 * Puts the parts of the runner together. What happens to every job (adding, taking, saving, completing) is done for many
 * jobs at once, by scripts that leave in Redis what BullMQ's own scripts would leave. BullMQ itself does what is rare:
 * retries, delays, pauses, limits, and jobs whose process has died.
 *
 * - A job comes in through job-adder or job-taker. Both reserve places first, and start the work in active-jobs.
 * - While the work goes on, lock-keeper keeps the job's lock.
 * - The work ends through job-settler (complete) or job-moves (retry, fail, delay, hand back).
 * @param options.places those of this worker, as this shard sees them
 * @param options.token identifies this process in the locks of its jobs
 */
export function createShardRunner<Start extends HeadStart>(
  options: ShardRunnerOptions & { shard: JobShard; places: ShardPlaces; token: string },
): ShardRunner<Start> {
  const { shard, places, token, redis, addOn, seals, attempts, redeliveryWindowMs, logger } = options;
  const { toKey } = shard;
  const bullMq = openBullMqWorker({ redis, shard, token, logger });
  const { backend } = bullMq;
  const toSave = ([{ id, attemptsStarted }, progress]: Write) => ({ key: toKey(id), attemptsStarted, progress });

  const jobs = createActiveJobs<Start>({ places, seals, logger });
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
    addJobs: async (added, room) => {
      const own = await seals.forSealing(added.map(({ request }) => request.userId));
      return await orStoreUnavailable(addJobs(shard, addOn, added, { attempts, room, seals: own }));
    },
    begin: jobs.begin,
  });
  let stopChecks = () => {};

  return {
    start: (work, headStartOf) => {
      giveHeadStart = headStartOf;
      jobs.start(work, { save: settler.save, complete: settler.complete, ...moves });
      locks.start();
      endedLog.start();
      stopChecks = atIntervals(ASK_FOR_CHECK_MS, () =>
        bullMq.takeUpStalled().catch((error) => logger.debug({ err: error }, 'stalled jobs not looked for')),
      );
      taker.start();
    },
    add,
    cancel: jobs.cancel,
    abortAll: jobs.stopAll,
    stopWaiting: bullMq.stopWaiting,
    stop: async () => {
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
