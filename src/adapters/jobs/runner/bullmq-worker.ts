import { type IQueueBackend, type JobJson, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../../contracts/queues.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { closeInTime } from '../../close-in-time.ts';
import type { ChatJobData, ChatJobResult } from '../chat-job.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';

/**
 * A job whose process died is taken up by another process at the first check after its lock has run out. If the job never
 * had a lock, it is taken up at the second check that sees it. Both are within 14 s, and a process may be halted for 5 s
 * without losing a job.
 */
export const LOCK_MS = 7_000;
const STALLED_CHECK_MS = 6_000;
/** How often a process asks for that check. All processes together make one every 6 s. */
export const ASK_FOR_CHECK_MS = 1_000;

/** What the runner uses of BullMQ: its own scripts for what is rare, and its way of waiting for jobs. */
interface BullMqWorker {
  readonly backend: IQueueBackend;
  /** The whole name of a key of the queue. */
  toKey(type: string): string;
  /**
   * Takes one job, and locks it. Delayed jobs that are due, pauses and limits are seen to.
   * @returns the job, or when to look again: ms, or 0 where no time is known
   */
  takeOne(): Promise<{ job: TakenJob } | { dueAt: number }>;
  /** Waits for the sign that there is a job. @returns from when on it counts, in ms; undefined if none came in time */
  waitForSign(ms: number): Promise<number | undefined>;
  /** Has another process that waits for jobs look for them. */
  passSignOn(): Promise<void>;
  /** Has the jobs of processes that died stand in line again. */
  takeUpStalled(): Promise<void>;
  /** Ends `waitForSign`. */
  stopWaiting(): Promise<void>;
  close(): Promise<void>;
}

/** @param options.token what this process is called in the locks of its jobs */
export function openBullMqWorker(options: { redis: Redis; token: string; logger: Logger }): BullMqWorker {
  const { redis, token, logger } = options;
  const worker = new Worker<ChatJobData, ChatJobResult>(JOBS_QUEUE, undefined, {
    connection: redis,
    prefix: JOBS_PREFIX,
    autorun: false,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // A job that keeps killing its process is failed by the worker that takes it, which also tells its user. BullMQ's own
    // limit would fail the job without telling anybody.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  // Whoever opened the connection logs its losses.
  worker.on('error', (error) => logger.debug({ err: error }, 'BullMQ worker'));
  const backend = worker.getBackend();
  const toKey = (type: string) => worker.toKey(type);

  return {
    backend,
    toKey,
    takeOne: async () => {
      const [fields, jobId, limitMs, delayedUntil] = await backend.moveToActive(token);
      if (!fields || !jobId) return { dueAt: limitMs ? Date.now() + limitMs : (delayedUntil ?? 0) };
      const cancelled = (await redis.exists(redisKeys.cancelled(jobId)).catch(() => 0)) === 1;
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
    // ioredis never says that a connection which was just being made again has ended.
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
    // BullMQ has a zero where nothing was ever saved.
    progress: progress ? JSON.stringify(progress) : '',
    cancelled,
  };
}
