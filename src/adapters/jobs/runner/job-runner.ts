import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobJson, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { inBatches } from '../../../batching/in-batches.ts';
import { StoreUnavailableError } from '../../../contracts/errors.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../../contracts/queues.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { closeInTime } from '../../close-in-time.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { type ChatJobData, type ChatJobResult, jobIdOf } from '../chat-job.ts';
import { ActiveJob, type Hands, type HeadStart, type JobInHand } from '../job-in-hand.ts';
import { addJobs, type ChatQueue, type NewJob, waitForFsync } from '../job-queue.ts';
import type { UnusableJobError } from '../read-job-data.ts';
import { saveJobs } from '../redis-scripts/save-jobs.ts';
import { settleJobs } from '../redis-scripts/settle-jobs.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import { untilStored } from '../until-stored.ts';
import { createJobMoves } from './job-moves.ts';
import { createJobLocks, RENEW_MS } from './lock-keeper.ts';

/** Takes jobs and has them worked on, some at a time. */
export interface JobRunner<Start extends HeadStart = HeadStart> {
  /**
   * @param giveHeadStart called for a job that is being added and will most likely be begun with at once
   * @param work resolves once it has let go of the job; if it rejects, the job is taken up again as if this process had died
   */
  start(
    work: (job: JobInHand, headStart: Start | undefined) => Promise<void>,
    giveHeadStart?: (job: NewJob) => Start | undefined,
  ): void;
  /**
   * Adds jobs, and begins with them at once where nobody waits and there is room for all of them: one round trip.
   * Those that are there already stay as they are.
   * @returns how many jobs no process has in hand then
   * @throws StoreUnavailableError they may not be on disk, where that is asked for
   */
  add(jobs: readonly NewJob[]): Promise<number>;
  /** Aborts the job's signal, if it is in hand here, or about to be. */
  cancel(jobId: string): void;
  /** Takes no more, and waits for those in hand; after the grace, tells so and aborts their signals. */
  stop(graceMs: number, onGraceOver: () => void): Promise<void>;
}

/**
 * A job whose process died is taken up by another at the first check after its lock has run out; if it never had one, at
 * the second check that sees it. Both are within 14 s, and a process may be halted for 5 s without losing a job.
 */
const LOCK_MS = 7_000;
const STALLED_CHECK_MS = 6_000;
/** A notice that a request is cancelled may overtake the job itself. */
const CANCELLATIONS_REMEMBERED = 1_000;
/** How long to trust that a sign comes for every job. */
const IDLE_MS = 5_000;
const RETRY_MS = 1_000;
/** Redis does nothing else meanwhile: a batch of this size takes it a few ms. */
const MAX_BATCH = 200;
/** While there is much room, nobody waits for a job to be completed: those so close together share a round trip. */
const COMPLETE_WITHIN_MS = 30;

/**
 * Runs the jobs of the queue. What happens to every job (to be added, taken, saved, completed) is done for many at once,
 * by scripts that leave in Redis what BullMQ's own leave; all that is rarer (retries, delays, pauses, limits, jobs whose
 * process died) is BullMQ's.
 * @param options.redis the connection that the queue was opened with
 * @param options.fsyncRedis a connection of its own: jobs are added on it, and count as added only once they are on Redis's
 * disk; whatever else is sent on it waits for the disk. Left out, jobs count as added once Redis has them
 * @param options.attempts of each job that is added
 */
export function createJobRunner<Start extends HeadStart = HeadStart>(options: {
  queue: ChatQueue;
  redis: Redis;
  fsyncRedis?: Redis | undefined;
  concurrency: number;
  attempts: number;
  backoffMs: (attemptsMade: number) => number;
  completedJobsKept: number;
  finishedJobTextMs: number;
  redeliveryWindowMs: number;
  failedJobsKept: number;
  failedJobsAgeMs: number;
  logger: Logger;
}): JobRunner<Start> {
  const { queue, redis, fsyncRedis, concurrency, attempts, logger } = options;
  /** What this process is called in the locks of its jobs. */
  const token = randomUUID();
  const cancelledLately = new Set<string>();
  const inHand = new Map<string, ActiveJob>();
  /** Places for jobs that are being taken. */
  let reserved = 0;
  /** The last time, there were as many as could be taken. */
  let moreWait = false;
  /** The last time, the jobs that were added were begun with at once. */
  let begunAtOnce = true;
  let work: ((job: JobInHand, headStart: Start | undefined) => Promise<void>) | undefined;
  let giveHeadStart: ((job: NewJob) => Start | undefined) | undefined;
  let taking: Promise<void> | undefined;
  let upkeep: NodeJS.Timeout | undefined;
  let keepingUp = false;
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
  });
  // Losses of the connection are told by the connection.
  worker.on('error', (error) => logger.debug({ err: error }, 'BullMQ worker'));
  const backend = worker.getBackend();
  const toKey = (type: string) => worker.toKey(type);
  /** As BullMQ gives it to those that wait for jobs. */
  const giveSign = () => redis.zadd(toKey('marker'), 0, '0');
  const locks = createJobLocks({ redis, toKey, token, lockMs: LOCK_MS, logger });
  const moves = createJobMoves({
    ...{ backend, redis, toKey, token, locks, logger },
    redeliveryWindowMs: options.redeliveryWindowMs,
    failedJobs: { count: options.failedJobsKept, age: options.failedJobsAgeMs / 1000 },
    backoffMs: options.backoffMs,
  });

  const places = () => (stopping || !work ? 0 : Math.max(0, concurrency - inHand.size - reserved));

  function reserve(count: number): number {
    reserved += count;
    return count;
  }

  function free(count: number): void {
    reserved -= count;
    signalPlace();
  }

  function letGo(job: ActiveJob): void {
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

  function begin(taken: TakenJob, headStart?: Start, locked = false): void {
    const job = new ActiveJob(taken, { locked, heldAt: performance.now() }, hands);
    if (cancelledLately.has(job.id)) job.cancel();
    inHand.set(job.id, job);
    void run(job, headStart);
  }

  /** None for one that has begun already, or comes twice. */
  function giveHeadStarts(jobs: readonly NewJob[]): (Start | undefined)[] {
    const given = new Set<string>();
    return jobs.map((job) => {
      const id = jobIdOf(job.request.requestId);
      if (inHand.has(id) || given.has(id)) return undefined;
      given.add(id);
      return giveHeadStart?.(job);
    });
  }

  async function run(job: ActiveJob, headStart: Start | undefined): Promise<void> {
    try {
      const unusable = job.unusable;
      if (unusable) await giveUp(job, unusable, headStart);
      else await work!(job, headStart);
    } catch (error) {
      logger.warn({ jobId: job.id, err: error }, 'a job is left, to be taken up again later');
    } finally {
      letGo(job);
    }
  }

  /** A job that nobody can work on must not be taken up again and again. */
  async function giveUp(job: ActiveJob, reason: UnusableJobError, headStart: Start | undefined): Promise<void> {
    headStart?.drop();
    logger.warn({ jobId: job.id, reason: reason.message }, 'a job is of no use, and fails');
    await job.giveUp(reason);
  }

  const hands: Hands = {
    save: inBatchesOf((saves: [ActiveJob, string][]) =>
      untilStored(
        () =>
          orStoreUnavailable(
            saveJobs(
              redis,
              saves.map(([{ id, attemptsStarted }, progress]) => ({ key: toKey(id), attemptsStarted, progress })),
            ),
          ),
        logger,
      ),
    ),
    complete: inBatchesOf((completions: [ActiveJob, string][]) => untilStored(() => settle(completions), logger), {
      gatherMs: () => (places() > concurrency / 2 ? COMPLETE_WITHIN_MS : 0),
    }),
    ...moves,
  };

  /**
   * Completes jobs, and takes as many, or as many as there is room for.
   * @returns how many were taken; when the next delayed one is due, in ms, 0 if there is none, undefined if BullMQ must see
   * @throws StoreUnavailableError
   */
  async function settle(
    completions: readonly [ActiveJob, string][],
  ): Promise<{ taken: number; nextDelayedAt: number | undefined }> {
    const leaving = stopping ? 0 : completions.length;
    // A place that is kept for a job which may wait is none for one that is just being added.
    const extra = reserve(moreWait || leaving === 0 ? Math.min(MAX_BATCH - leaving, places()) : 0);
    const room = extra + leaving;
    try {
      const { codes, taken, nextDelayedAt } = await orStoreUnavailable(
        settleJobs(
          redis,
          toKey,
          completions.map(([{ id, digest, attemptsStarted, attemptsMade, locked }, returnValue]) => ({
            ...{ jobId: id, digest, attemptsStarted, attemptsMade: attemptsMade + 1, locked, returnValue },
          })),
          {
            now: Date.now(),
            kept: options.completedJobsKept,
            keepsText: options.finishedJobTextMs > 0,
            rememberMs: options.redeliveryWindowMs,
            room,
          },
        ),
      );
      for (const [index, [job]] of completions.entries()) {
        // What its user has cancelled or erased may well have been taken away: nobody misses it.
        if (codes[index]! < 0 && !job.cancelled)
          logger.warn({ jobId: job.id, code: codes[index] }, 'a job was no longer ours to complete');
        letGo(job);
      }
      moreWait = taken.length > 0 && taken.length === room;
      for (const job of taken) begin(job);
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
    reserve(1);
    try {
      const [fields, jobId, limitMs, delayedUntil] = await backend.moveToActive(token);
      if (!fields || !jobId) return limitMs ? Date.now() + limitMs : (delayedUntil ?? 0);
      const { data, opts, attemptsMade, attemptsStarted, stalledCounter, progress } = fields as JobJson;
      const cancelled = (await redis.exists(redisKeys.cancelled(jobId)).catch(() => 0)) === 1;
      const job: TakenJob = {
        ...{ jobId, data, options: JSON.stringify(opts), attemptsMade, attemptsStarted, cancelled },
        crashes: stalledCounter ?? 0,
        // BullMQ has a zero where nothing was ever saved.
        progress: progress ? JSON.stringify(progress) : '',
      };
      begin(job, undefined, true);
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

  /** What a Redis that is away is asked for only once. */
  async function keepUp(): Promise<void> {
    if (keepingUp) return;
    keepingUp = true;
    await Promise.all([
      locks.renew(inHand.values()).catch((error) => logger.debug({ err: error }, 'locks not renewed')),
      backend.moveStalledJobsToWait().catch((error) => logger.debug({ err: error }, 'stalled jobs not looked for')),
    ]);
    keepingUp = false;
  }

  return {
    start: (doWork, headStartOf) => {
      work = doWork;
      giveHeadStart = headStartOf;
      upkeep = setInterval(() => void keepUp(), RENEW_MS);
      taking = takeJobs();
    },
    add: async (jobs) => {
      // Only what is written and asked about on the same connection is certain.
      if (fsyncRedis && fsyncRedis.status !== 'ready') await orStoreUnavailable(once(fsyncRedis, 'ready'));
      const room = reserve(Math.min(jobs.length, places()));
      const headStarts = begunAtOnce && room === jobs.length ? giveHeadStarts(jobs) : [];
      const adding = fsyncRedis ?? redis;
      const { stream } = adding;
      let untaken: number;
      try {
        const added = await orStoreUnavailable(addJobs(queue, adding, jobs, { attempts, room }));
        untaken = added.untaken;
        begunAtOnce = added.started.length > 0;
        for (const job of added.started) {
          begin(job, headStarts[job.place]);
          headStarts[job.place] = undefined;
        }
      } finally {
        free(room);
        for (const headStart of headStarts) headStart?.drop();
      }
      if (fsyncRedis) {
        await orStoreUnavailable(waitForFsync(fsyncRedis));
        // Asked on another connection, Redis has answered for that one's writes.
        if (fsyncRedis.stream !== stream)
          throw new StoreUnavailableError('Redis was lost before its disk had the jobs.');
      }
      return untaken;
    },
    cancel: (jobId) => {
      inHand.get(jobId)?.cancel();
      cancelledLately.add(jobId);
      if (cancelledLately.size > CANCELLATIONS_REMEMBERED)
        cancelledLately.delete(cancelledLately.values().next().value!);
    },
    stop: async (graceMs, onGraceOver) => {
      stopping = true;
      signalPlace();
      const timer = setTimeout(() => {
        onGraceOver();
        for (const job of inHand.values()) job.stop();
      }, graceMs);
      // ioredis never says that a connection which was just being made again has ended.
      await closeInTime(backend.disconnectBlocking());
      while (inHand.size + reserved > 0) await placeIsFree();
      clearTimeout(timer);
      clearInterval(upkeep);
      if (taking) await closeInTime(taking);
      await closeInTime(worker.close());
    },
  };
}

/** What comes at the same time for different jobs is done together. */
function inBatchesOf(run: (items: [ActiveJob, string][]) => Promise<unknown>, options?: { gatherMs: () => number }) {
  const batched = inBatches(
    async (items: [ActiveJob, string][]) => {
      await run(items);
      return [];
    },
    { maxItems: MAX_BATCH, ...options },
  );
  return (job: ActiveJob, json: string): Promise<void> => batched([job, json]);
}
