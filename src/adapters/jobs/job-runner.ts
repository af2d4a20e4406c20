import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Job, type JobJson, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../contracts/errors.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../contracts/queues.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import { inBatches } from '../redis/in-batches.ts';
import type { ChatJobData, ChatJobResult } from './chat-job.ts';
import { type Hands, type JobInHand, LockedJob } from './job-in-hand.ts';
import { addJobs, type ChatQueue, type NewJob, waitForFsync } from './job-queue.ts';
import { saveJobs } from './redis-scripts/save-jobs.ts';
import { settleJobs } from './redis-scripts/settle-jobs.ts';
import type { Room, TakenJob } from './redis-scripts/taking.ts';

/** Takes jobs and has them worked on, some at a time. */
export interface JobRunner {
  /** @param work resolves once it has let go of the job; if it rejects, the job is taken up again when its lock has run out */
  start(work: (job: JobInHand) => Promise<void>): void;
  /**
   * Adds jobs, and begins with them at once where nobody waits and there is room for all of them: one round trip.
   * Those that are there already stay as they are.
   * @returns how many jobs no process has in hand then
   * @throws StoreUnavailableError they may not be on disk, where that is asked for
   */
  add(jobs: readonly NewJob[]): Promise<number>;
  /** Aborts the job's signal, if it is in hand here. */
  cancel(jobId: string): void;
  /** Takes no more, and waits for those in hand; after the grace, tells so and aborts their signals. */
  stop(graceMs: number, onGraceOver: () => void): Promise<void>;
}

/** A job whose process died is taken up by another after the lock has run out and the next check has seen it. */
const LOCK_MS = 10_000;
const RENEW_MS = LOCK_MS / 4;
const STALLED_CHECK_MS = 4_000;
/** How long to trust that a sign comes for every job. */
const IDLE_MS = 5_000;
const RETRY_MS = 1_000;
/** Redis does nothing else meanwhile: a batch of this size takes it a few ms. */
const MAX_BATCH = 200;
/** While there is much room, nobody waits for a job to be completed: those so close together share a round trip. */
const COMPLETE_WITHIN_MS = 10;

/**
 * Runs the jobs of the queue. What happens to every job (to be added, taken, saved, completed) is done for many at once,
 * by scripts that leave in Redis what BullMQ's own leave; all that is rarer (retries, delays, pauses, limits, jobs whose
 * process died) is BullMQ's.
 * @param options.redis the connection that the queue was opened with
 * @param options.attempts of each job that is added
 * @param options.fsync jobs count as added only once they are on Redis's disk
 */
export function createJobRunner(options: {
  queue: ChatQueue;
  redis: Redis;
  concurrency: number;
  attempts: number;
  fsync: boolean;
  backoffMs: (attemptsMade: number) => number;
  completedJobsKept: number;
  completedJobsAgeMs: number;
  failedJobsKept: number;
  failedJobsAgeMs: number;
  logger: Logger;
}): JobRunner {
  const { queue, redis, concurrency, attempts, fsync, logger } = options;
  const tokenPrefix = `${randomUUID()}:`;
  let tokensGiven = 0;
  const inHand = new Map<string, LockedJob>();
  /** Places for jobs that are being taken. */
  let reserved = 0;
  /** The last time, there were as many as could be taken. */
  let moreWait = false;
  let work: ((job: JobInHand) => Promise<void>) | undefined;
  let taking: Promise<void> | undefined;
  let renewal: NodeJS.Timeout | undefined;
  let stopping = false;
  /** Those who wait until a place is free. */
  let waiting: (() => void)[] = [];

  const worker = new Worker<ChatJobData, ChatJobResult>(JOBS_QUEUE, undefined, {
    connection: redis,
    prefix: JOBS_PREFIX,
    autorun: false,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    // A job that keeps killing its process is failed by whoever works on it, who also tells its user; BullMQ's own limit
    // would fail it in silence.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    removeOnFail: { count: options.failedJobsKept, age: options.failedJobsAgeMs / 1000 },
    settings: { backoffStrategy: options.backoffMs },
  });
  // Losses of the connection are told by the connection.
  worker.on('error', (error) => logger.debug({ err: error }, 'BullMQ worker'));
  const backend = worker.getBackend();
  const toKey = (type: string) => worker.toKey(type);

  const places = () => (stopping || !work ? 0 : Math.max(0, concurrency - inHand.size - reserved));

  /** @param more jobs may be taken than places are reserved: into those that others leave */
  function reserve(count: number, more = 0): Room {
    reserved += count;
    const firstToken = tokensGiven;
    tokensGiven += count + more;
    return { count: count + more, lockMs: LOCK_MS, tokenPrefix, firstToken };
  }

  function free(count: number): void {
    reserved -= count;
    signalPlace();
  }

  function letGo(job: LockedJob): void {
    if (inHand.get(job.id) !== job) return;
    inHand.delete(job.id);
    signalPlace();
  }

  function signalPlace(): void {
    if (waiting.length === 0) return;
    const told = waiting;
    waiting = [];
    for (const goOn of told) goOn();
  }

  const placeIsFree = () => new Promise<void>((resolve) => waiting.push(resolve));

  function begin(jobs: readonly TakenJob[]): void {
    const now = Date.now();
    for (const taken of jobs) {
      const job = new LockedJob(taken, now, hands);
      inHand.set(job.id, job);
      void run(job);
    }
  }

  async function run(job: LockedJob): Promise<void> {
    try {
      await work!(job);
    } catch (error) {
      logger.warn({ jobId: job.id, err: error }, 'a job is left, to be taken up again when its lock has run out');
    } finally {
      letGo(job);
    }
  }

  const hands: Hands = {
    save: inBatchesOf((saves: [LockedJob, string][]) =>
      saveJobs(
        redis,
        saves.map(([job, progress]) => ({ key: toKey(job.id), progress })),
      ),
    ),
    complete: inBatchesOf((completions: [LockedJob, string][]) => complete(completions), {
      gatherMs: () => (places() > concurrency / 2 ? COMPLETE_WITHIN_MS : 0),
    }),
    moveToFailed: async (job, error, forGood) => {
      const failure = forGood ? new UnrecoverableError(error.message) : error;
      failure.stack = `${error.name}: ${error.message}`;
      await (await bullJob(job))?.moveToFailed(failure, job.token, false);
    },
    moveToDelayed: async (job, until) => (await bullJob(job))?.moveToDelayed(until, job.token),
    moveToWait: async (job) => {
      await (await bullJob(job))?.moveToWait(job.token);
      await giveSign();
    },
  };

  /** undefined: it was removed. */
  const bullJob = (job: LockedJob) => Job.fromId<ChatJobData, ChatJobResult>(worker, job.id);

  async function complete(completions: readonly [LockedJob, string][]): Promise<void> {
    for (;;) {
      try {
        await settle(completions);
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        logger.debug({ err: error }, 'jobs could not be completed, will be tried again');
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * Completes jobs, and takes as many, or as many as there is room for.
   * @returns how many were taken; when the next delayed one is due, in ms, 0 if there is none, undefined if BullMQ must see
   * @throws StoreUnavailableError
   */
  async function settle(
    completions: readonly [LockedJob, string][],
  ): Promise<{ taken: number; nextDelayedAt: number | undefined }> {
    const leaving = stopping ? 0 : completions.length;
    // A place that is kept for a job which may wait is none for one that is just being added.
    const extra = moreWait || leaving === 0 ? Math.min(MAX_BATCH - leaving, places()) : 0;
    const room = reserve(extra, leaving);
    try {
      const { codes, taken, nextDelayedAt } = await orStoreUnavailable(
        settleJobs(
          redis,
          toKey,
          completions.map(([{ id, token, attemptsMade }, returnValue]) => ({
            jobId: id,
            token,
            attemptsMade: attemptsMade + 1,
            returnValue,
          })),
          { now: Date.now(), kept: options.completedJobsKept, keptMs: options.completedJobsAgeMs, room },
        ),
      );
      for (const [index, [job]] of completions.entries()) {
        if (codes[index]! < 0)
          logger.warn({ jobId: job.id, code: codes[index] }, 'a job was no longer ours to complete');
        letGo(job);
      }
      moreWait = taken.length > 0 && taken.length === room.count;
      begin(taken);
      return { taken: taken.length, nextDelayedAt };
    } finally {
      free(extra);
    }
  }

  async function takeJobs(): Promise<void> {
    while (!stopping) {
      if (places() === 0) {
        await placeIsFree();
        continue;
      }
      try {
        const { taken, nextDelayedAt } = await settle([]);
        if (taken > 0) continue;
        const dueAt = nextDelayedAt ?? (await takeOne());
        if (dueAt !== undefined) await waitForJobs(dueAt);
      } catch (error) {
        if (stopping) return;
        logger.debug({ err: error }, 'no jobs could be taken, will be tried again');
        await sleep(RETRY_MS);
      }
    }
  }

  /** As BullMQ does it. Gives undefined if there was one, else when to look again, in ms, or 0. */
  async function takeOne(): Promise<number | undefined> {
    const room = reserve(1);
    try {
      const token = `${tokenPrefix}${room.firstToken}`;
      const [fields, jobId, limitMs, delayedUntil] = await backend.moveToActive(token);
      if (!fields || !jobId) return limitMs ? Date.now() + limitMs : (delayedUntil ?? 0);
      const { data, opts, attemptsMade, stalledCounter, progress } = fields as JobJson;
      const options = JSON.stringify(opts);
      // BullMQ has a zero where nothing was ever saved.
      const saved = progress ? JSON.stringify(progress) : '';
      begin([{ jobId, token, data, options, attemptsMade, crashes: stalledCounter ?? 0, progress: saved }]);
      return undefined;
    } finally {
      free(1);
    }
  }

  /** Waits for the sign that there are jobs, or until a time, in ms; 0 is none. */
  async function waitForJobs(dueAt: number): Promise<void> {
    const ms = dueAt > 0 ? Math.min(IDLE_MS, dueAt - Date.now()) : IDLE_MS;
    if (ms < 1 || stopping) return;
    const sign = await backend.waitForJob(Math.max(ms / 1000, backend.minimumBlockTimeout));
    if (!sign) return;
    // It may stand for a job that is delayed until then.
    if (sign.score > Date.now()) return await waitForJobs(sign.score);
    // We have taken the sign from those who could heed it.
    if (places() === 0) await giveSign();
  }

  /** As BullMQ gives it to those that wait for jobs. */
  const giveSign = () => redis.zadd(toKey('marker'), 0, '0');

  async function renewLocks(): Promise<void> {
    const now = Date.now();
    const due = [...inHand.values()].filter((job) => job.lockedAt + RENEW_MS / 2 < now);
    if (due.length === 0) return;
    const [ids, tokens] = [due.map(({ id }) => id), due.map(({ token }) => token)];
    const lost = await backend.extendLocks(ids, tokens, LOCK_MS);
    for (const job of due) job.lockedAt = now;
    const stillOurs = lost.filter((id) => inHand.has(id));
    if (stillOurs.length > 0)
      logger.warn({ jobs: stillOurs.length }, 'locks of jobs were lost: others may take them up');
  }

  return {
    start: (doWork) => {
      work = doWork;
      renewal = setInterval(
        () => void renewLocks().catch((error) => logger.debug({ err: error }, 'locks not renewed')),
        RENEW_MS,
      );
      void worker.startStalledCheckTimer();
      taking = takeJobs();
    },
    add: async (jobs) => {
      const room = reserve(Math.min(jobs.length, places()));
      let untaken: number;
      try {
        const added = await addJobs(queue, redis, jobs, { attempts, room });
        untaken = added.untaken;
        begin(added.started);
      } finally {
        free(room.count);
      }
      if (fsync) await waitForFsync(redis);
      return untaken;
    },
    cancel: (jobId) => inHand.get(jobId)?.abort.abort('cancelled'),
    stop: async (graceMs, onGraceOver) => {
      stopping = true;
      signalPlace();
      await backend.disconnectBlocking();
      const timer = setTimeout(() => {
        onGraceOver();
        for (const job of inHand.values()) job.abort.abort('the process is stopping');
      }, graceMs);
      while (inHand.size + reserved > 0) await placeIsFree();
      clearTimeout(timer);
      clearInterval(renewal);
      await taking;
      await worker.close();
    },
  };
}

/** What comes at the same time for different jobs is done together. */
function inBatchesOf(run: (items: [LockedJob, string][]) => Promise<void>, options?: { gatherMs: () => number }) {
  const batched = inBatches(
    async (items: [LockedJob, string][]) => {
      await run(items);
      return [];
    },
    { maxItems: MAX_BATCH, ...options },
  );
  return async (job: LockedJob, json: string): Promise<void> => batched([job, json]);
}
