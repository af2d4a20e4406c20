import { type IQueueBackend, type JobJson, Worker } from 'bullmq';
import type { Logger } from 'pino';
import { JOBS_QUEUE } from '../../../contracts/queues.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { closeInTime } from '../../rabbitmq/close-in-time.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ChatJobData, ChatJobResult } from '../chat-job.ts';
import type { JobShard } from '../job-shards.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';

/**
 * How long a lock holds. If a process dies, another one takes up its job at the first check after the lock has expired.
 * A job that never had a lock is taken up at the second check that sees it. Both happen within 14 s. A process may stop
 * for 5 s without losing a job.
 */
export const LOCK_MS = 7_000;
const STALLED_CHECK_MS = 6_000;
/** How often a process asks for that check. All processes together make one check of a shard every 6 s. */
export const ASK_FOR_CHECK_MS = 1_000;

/** What the runner uses of BullMQ: its scripts for rare operations, and its way to wait for jobs. */
interface BullMqWorker {
  readonly backend: IQueueBackend;
  /**
   * Takes one job, and locks it. It also obeys pauses and limits, and moves delayed jobs that are due.
   * @returns the job, or when to look again: ms, or 0 if no time is known
   */
  takeOne(): Promise<{ job: TakenJob } | { dueAt: number }>;
  /** Waits for the sign of a job. @returns the time in ms from which the sign counts; undefined if none came in time */
  waitForSign(ms: number): Promise<number | undefined>;
  /** Passes the sign on to another process that waits for jobs. */
  passSignOn(): Promise<void>;
  /** Puts the jobs of dead processes in line again. */
  takeUpStalled(): Promise<void>;
  /** Ends `waitForSign`. */
  stopWaiting(): Promise<void>;
  close(): Promise<void>;
}

/**
 * For the jobs of one shard. It has a connection of its own, on which it waits.
 * @param options.token identifies this process in the locks of its jobs
 */
export function openBullMqWorker(options: {
  redis: Redis;
  shard: Pick<JobShard, 'prefix' | 'toKey'>;
  token: string;
  logger: Logger;
}): BullMqWorker {
  const { redis, token, logger } = options;
  const { prefix, toKey } = options.shard;
  const worker = new Worker<ChatJobData, ChatJobResult>(JOBS_QUEUE, undefined, {
    connection: redis,
    prefix,
    autorun: false,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // The worker that takes a job which keeps killing its process fails that job, and tells the user. BullMQ's own
    // limit would fail the job without telling anybody.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  // The owner of the connection logs its losses.
  worker.on('error', (error) => logger.debug({ err: error }, 'BullMQ worker'));
  const backend = worker.getBackend();

  return {
    backend,
    takeOne: async () => {
      const [fields, jobId, limitMs, delayedUntil] = await backend.moveToActive(token);
      if (!fields || !jobId) return { dueAt: limitMs ? Date.now() + limitMs : (delayedUntil ?? 0) };
      const cancelled = (await redis.exists(redisKeys.cancelled(prefix, jobId)).catch(() => 0)) === 1;
      return { job: toTakenJob(jobId, fields as JobJson, cancelled) };
    },
    waitForSign: async (ms) => {
      const sign = await backend.waitForJob(Math.max(ms / 1000, backend.minimumBlockTimeout));
      return sign?.score;
    },
    passSignOn: async () => {
      await redis.zadd(toKey('marker'), 0, '0');
    },
    takeUpStalled: async () => {
      await backend.moveStalledJobsToWait();
    },
    // ioredis does not notice the end of a connection that was just reconnecting.
    stopWaiting: () => closeInTime(backend.disconnectBlocking()),
    close: () => closeInTime(worker.close()),
  };
}

function toTakenJob(jobId: string, fields: JobJson, cancelled: boolean): TakenJob {
  const { data, opts, attemptsMade, attemptsStarted, stalledCounter, progress } = fields;
  return {
    jobId,
    data,
    options: JSON.stringify(opts),
    attemptsMade,
    attemptsStarted,
    crashes: stalledCounter ?? 0,
    // BullMQ has a zero if nothing was ever saved.
    progress: progress ? JSON.stringify(progress) : '',
    cancelled,
  };
}
