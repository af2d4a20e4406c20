import { randomUUID } from 'node:crypto';
import type { SafeWrites } from '../../redis/safe-writes.ts';
import { jobIdOf } from '../chat-job.ts';
import { claimRequestIds } from '../claim-request-ids.ts';
import type { HeadStart } from '../job-in-hand.ts';
import { countWaiting, type NewJob } from '../job-queue.ts';
import type { JobShards } from '../job-shards.ts';
import type { Work } from './active-jobs.ts';
import type { AddedJobs } from './job-adder.ts';
import { createPlaces } from './places.ts';
import { sharePlaces } from './shard-places.ts';
import { createShardRunner, type ShardRunnerOptions } from './shard-runner.ts';

/** The jobs of a shard to which this process adds none are counted this often. */
const COUNT_AGAIN_MS = 1_000;

/** Takes jobs and has them worked on, some at a time. */
export interface JobRunner<Start extends HeadStart = HeadStart> {
  /**
   * @param work works on a job, and ends it in one of the ways of JobInHand. If it rejects, the job is taken up again
   * as if this process had died
   * @param giveHeadStart called for a job that is being added and will most likely begin at once
   */
  start(work: Work<Start>, giveHeadStart?: (job: NewJob) => Start | undefined): void;
  /**
   * Adds jobs. Begins them at once if no job of their shard waits and there is a free place for each of them. Jobs that
   * exist already stay as they are. One round trip; two if there are several shards, and ids were made by others than our apis.
   * @returns how many jobs no process has in hand then
   * @throws StoreUnavailableError if the jobs must be safe and may not be
   */
  add(jobs: readonly NewJob[]): Promise<number>;
  /** Aborts the signal of a job of a shard, now or as soon as the job is in hand here. */
  cancel(shard: number, requestId: string): void;
  /**
   * Takes no more jobs, and waits for those in hand. After the grace period it calls `onGraceOver` and aborts their
   * signals.
   */
  stop(graceMs: number, onGraceOver: () => void): Promise<void>;
}

/**
 * Has a runner for each shard of the jobs. They share the places, so that `concurrency` holds for all jobs together.
 *
 * Jobs begin before they are safe. If Redis loses them meanwhile, or the claims of their ids, RabbitMQ still has their messages.
 * @param options.redis the connection that the shards were opened with
 * @param options.safeWrites claims the ids and adds the jobs, on a connection of its own. Left out: this counts as done once Redis
 * has it
 * @param options.refuse ends the requests of erased users, whose jobs are not added. `add` waits for it, and rejects with its error
 * @param options.attempts how many attempts each added job has
 * @param options.completedJobsKept and the other limits: of all shards together
 */
export function createJobRunner<Start extends HeadStart = HeadStart>(
  options: Omit<ShardRunnerOptions, 'addOn'> & {
    shards: JobShards;
    concurrency: number;
    safeWrites?: SafeWrites | undefined;
    refuse: (jobs: readonly NewJob[]) => Promise<void>;
  },
): JobRunner<Start> {
  const { shards, safeWrites, refuse } = options;
  const addOn = safeWrites?.redis ?? options.redis;
  const places = createPlaces(options.concurrency);
  const shared = sharePlaces(places, shards.all.length);
  const partOf = (limit: number) => Math.ceil(limit / shards.all.length);
  const limits = {
    completedJobsKept: partOf(options.completedJobsKept),
    failedJobsKept: partOf(options.failedJobsKept),
  };
  /** Identifies this process in the locks of its jobs. */
  const token = randomUUID();
  const runners = shards.all.map((shard, index) =>
    createShardRunner<Start>({ ...options, ...limits, addOn, shard, places: shared[index]!, token }),
  );
  const waiting = shards.all.map(() => ({ count: 0, countedAt: Number.NEGATIVE_INFINITY }));

  /** Adds the jobs of a shard, if there are any. */
  async function addTo(index: number, jobs: NewJob[] | undefined): Promise<AddedJobs> {
    const known = waiting[index]!;
    if (!jobs && performance.now() - known.countedAt < COUNT_AGAIN_MS) return { untaken: known.count, refused: [] };
    const added = jobs
      ? await runners[index]!.add(jobs)
      : { untaken: await countWaiting({ all: [shards.all[index]!] }), refused: [] };
    waiting[index] = { count: added.untaken, countedAt: performance.now() };
    return added;
  }

  async function addToAll(received: readonly NewJob[]): Promise<AddedJobs> {
    const jobs = await claimRequestIds(shards, addOn, received, { rememberMs: options.redeliveryWindowMs });
    const ofShards = Map.groupBy(jobs, ({ request }) => shards.of(request.userId).index);
    const added = await Promise.all(shards.all.map(({ index }) => addTo(index, ofShards.get(index))));
    return {
      untaken: added.reduce((sum, { untaken }) => sum + untaken, 0),
      refused: added.flatMap(({ refused }) => refused),
    };
  }

  return {
    start: (work, giveHeadStart) => {
      places.open();
      for (const runner of runners) runner.start(work, giveHeadStart);
    },
    add: async (received) => {
      const add = () => addToAll(received);
      const { untaken, refused } = await (safeWrites ? safeWrites.make(add) : add());
      if (refused.length > 0) await refuse(refused);
      return untaken;
    },
    cancel: (shard, requestId) => runners[shard]?.cancel(jobIdOf(requestId)),
    stop: async (graceMs, onGraceOver) => {
      places.close();
      const grace = setTimeout(() => {
        onGraceOver();
        for (const runner of runners) runner.abortAll();
      }, graceMs);
      await Promise.all(runners.map((runner) => runner.stopWaiting()));
      await places.untilUnused();
      clearTimeout(grace);
      await Promise.all(runners.map((runner) => runner.stop()));
    },
  };
}
