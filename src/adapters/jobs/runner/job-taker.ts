import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import type { ShardPlaces } from './shard-places.ts';

/** The taker looks for jobs after this time, even without a sign that there are any. */
const IDLE_MS = 5_000;
const REST_MS = 1_000;

/**
 * Takes jobs from the line while places are open. The taker has these states:
 * - *looking*: it takes as many jobs as there are free places. It uses our script, or BullMQ's script for one job if
 *   our script has found something that only BullMQ's handles.
 * - *full*: no place is free for this shard.
 * - *waiting*: no job could be taken. It waits for the sign that there are jobs, for the time when a delayed job is
 *   due, or for 5 s.
 * - *resting*: Redis could not serve.
 * - *stopped*: the places are closed.
 *
 *     looking ── jobs were taken ──> looking
 *     looking ── no place is free ──> full ── a place is free ──> looking
 *     looking ── no job could be taken ──> waiting ── the sign, or the time ──> looking
 *     looking, waiting ── an error ──> resting ── after 1 s ──> looking
 *     any state ── the places were closed ──> stopped
 */
type TakerState =
  | { kind: 'looking' }
  | { kind: 'full' }
  /** `until`: ms; 0 if no delayed job is due */
  | { kind: 'waiting'; until: number }
  | { kind: 'resting' }
  | { kind: 'stopped' };

const LOOKING: TakerState = { kind: 'looking' };
const FULL: TakerState = { kind: 'full' };
const RESTING: TakerState = { kind: 'resting' };
const STOPPED: TakerState = { kind: 'stopped' };

interface JobTaker {
  start(): void;
  /** Resolves once the taker has stopped. It stops when the places are closed. */
  stopped(): Promise<void>;
}

/** What the taker needs of the queue. */
export interface Line {
  /** Takes jobs for the free places, and begins them: see JobSettler. */
  take(): Promise<{ taken: number; nextDelayedAt: number | undefined }>;
  /** Takes one job by BullMQ's script. `dueAt`: there is no job before that time, in ms; 0 if no time is known. */
  takeOne(): Promise<{ job: TakenJob } | { dueAt: number }>;
  /** Waits for the sign of a job. Returns the time in ms from which the sign counts, or undefined if none has come. */
  waitForSign(ms: number): Promise<number | undefined>;
  /** Passes the sign on to another process that waits. */
  passSignOn(): Promise<void>;
}

/** @param options.begin begins a job that BullMQ's script has taken and locked */
export function createJobTaker(options: {
  places: Pick<ShardPlaces, 'free' | 'state' | 'reserve' | 'release' | 'learn' | 'untilChanged'>;
  line: Line;
  begin(job: TakenJob): void;
  logger: Logger;
}): JobTaker {
  const { places, line, begin, logger } = options;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (let state: TakerState = LOOKING; state.kind !== 'stopped'; ) {
      try {
        const next = await leave(state);
        state = places.state === 'open' ? next : STOPPED;
      } catch (error) {
        if (places.state !== 'open') return;
        logger.debug({ err: error }, 'no jobs could be taken, will be tried again');
        state = RESTING;
      }
    }
  }

  async function leave(state: Exclude<TakerState, { kind: 'stopped' }>): Promise<TakerState> {
    switch (state.kind) {
      case 'looking':
        return await look();
      case 'full':
        // A place may have become free since it looked.
        if (places.free === 0) await places.untilChanged();
        return LOOKING;
      case 'waiting':
        return await wait(state.until);
      case 'resting':
        await sleep(REST_MS);
        return LOOKING;
    }
  }

  async function look(): Promise<TakerState> {
    if (places.free === 0) {
      places.learn('may have more');
      return FULL;
    }
    const { taken, nextDelayedAt } = await line.take();
    if (taken > 0) return LOOKING;
    return nextDelayedAt === undefined ? await lookWithBullMq() : { kind: 'waiting', until: nextDelayedAt };
  }

  async function lookWithBullMq(): Promise<TakerState> {
    if (places.reserve(1) === 0) return FULL;
    try {
      const found = await line.takeOne();
      if ('dueAt' in found) return { kind: 'waiting', until: found.dueAt };
      begin(found.job);
      return LOOKING;
    } finally {
      places.release(1);
    }
  }

  async function wait(until: number): Promise<TakerState> {
    const ms = until > 0 ? Math.min(IDLE_MS, until - Date.now()) : IDLE_MS;
    if (ms < 1) return LOOKING;
    const signFrom = await line.waitForSign(ms);
    if (signFrom === undefined) return LOOKING;
    // The sign is for a job that is delayed until then.
    if (signFrom > Date.now()) return { kind: 'waiting', until: signFrom };
    // This process has taken the sign away from others, and they may have room for the job.
    if (places.free === 0) await line.passSignOn();
    return LOOKING;
  }

  return {
    start: () => {
      running = run();
    },
    stopped: async () => await running,
  };
}
