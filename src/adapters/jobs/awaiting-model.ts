import { setTimeout as sleep } from 'node:timers/promises';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { JobShard, JobShards } from './job-shards.ts';
import { returnAwaitingModel } from './redis-scripts/return-awaiting-model.ts';

/** How often some jobs are put back. All workers together do so once in this time. */
const TURN_MS = 250;
/**
 * The first turn puts back this many jobs, and each later one twice as many as the one before, up to the most. Each shard has
 * its turns at the same time, and puts back its part of them.
 */
const FIRST_TURN = 10;
const MOST_A_TURN = 200;

/**
 * Jobs that wait because their model may not be asked are delayed until its gate's time is over. If a gate opens
 * earlier, so that calls pass again, this puts those back in line that waited for it: a few at first, then more, so that
 * a provider that has just come back is not flooded. For each shard, a worker is:
 * - *idle*: nothing is to be done.
 * - *returning*: it goes through the delayed jobs once, some at a time.
 * - *stopped*.
 *
 *     idle ── a gate has opened, or the worker starts ──> returning
 *     returning ── all were seen, or no model may be asked ──> idle
 *
 * If a worker dies meanwhile, the others go on: each of them hears that the gate has opened. At worst, a job waits for
 * the time that it was delayed for.
 */
export interface JobsAwaitingModel {
  /** How often a gate has opened, as far as this worker knows. */
  readonly openings: number;
  start(): void;
  /** A gate has opened. */
  gateOpened(): void;
  /** Looks for jobs that wait, also for some that the present round has not met. */
  look(): void;
  stop(): void;
}

/** @param options.askable names the models that may be asked now; '' is the standard model. Jobs of others stay delayed */
export function createJobsAwaitingModel(options: {
  redis: Redis;
  shards: JobShards;
  askable: () => readonly string[];
}): JobsAwaitingModel {
  const { all } = options.shards;
  const shards = all.map((shard) => createReturner({ ...options, shard, share: 1 / all.length }));
  const look = () => {
    for (const shard of shards) shard.look();
  };
  let openings = 0;

  return {
    get openings() {
      return openings;
    },
    start: () => {
      for (const shard of shards) shard.start();
    },
    gateOpened: () => {
      openings += 1;
      look();
    },
    look,
    stop: () => {
      for (const shard of shards) shard.stop();
    },
  };
}

/** @param options.share the part of the jobs of a turn that this shard puts back, at most 1 */
function createReturner(options: {
  redis: Redis;
  shard: JobShard;
  askable: () => readonly string[];
  share: number;
}): Pick<JobsAwaitingModel, 'start' | 'look' | 'stop'> {
  const { redis, askable, share } = options;
  const { toKey } = options.shard;
  const stopping = new AbortController();
  let state: 'idle' | 'returning' | 'stopped' = 'stopped';
  let lookAgain = false;

  function look(): void {
    lookAgain = true;
    if (state !== 'idle' || askable().length === 0) return;
    state = 'returning';
    void returnJobs();
  }

  async function returnJobs(): Promise<void> {
    let most = Math.ceil(FIRST_TURN * share);
    let after: string | undefined;
    while (state === 'returning') {
      const models = askable();
      if (models.length === 0) break;
      if (after === undefined) lookAgain = false;
      const turn = { models, after, most, turnMs: TURN_MS };
      // While Redis is away, or another worker has the turn, the same is tried again.
      const done = await orStoreUnavailable(returnAwaitingModel(redis, toKey, turn)).catch(() => undefined);
      if (done) after = done.next;
      if (done && done.returned > 0) most = Math.min(Math.ceil(MOST_A_TURN * share), 2 * most);
      if (done && !done.next && !lookAgain) break;
      await sleep(TURN_MS, undefined, { ref: false, signal: stopping.signal }).catch(() => {});
    }
    if (state === 'returning') state = 'idle';
  }

  return {
    start: () => {
      state = 'idle';
      look();
    },
    look,
    stop: () => {
      state = 'stopped';
      stopping.abort();
    },
  };
}
