import type { Logger } from 'pino';
import { inBatches } from '../../../batching/in-batches.ts';
import type { Completion, Settled } from '../redis-scripts/settle-jobs.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import { untilStored } from '../until-stored.ts';
import type { ActiveJob } from './active-job.ts';
import type { ShardPlaces } from './shard-places.ts';

/** Redis does nothing else while it runs a batch. A batch of this size takes a few ms. */
const MAX_BATCH = 200;
/**
 * While more than half of the places are free, completions that are this close together share a round trip. Nobody
 * waits for a completion then, because there are free places for new jobs.
 */
const GATHER_MS = 30;

/**
 * Writes the results of jobs, many in one round trip, and takes the next jobs in the same round trip.
 *
 * A state to save or a result to complete with goes through three states:
 * - *gathered*: it waits for others to share its round trip: until the batch before it is written, or up to 30 ms if
 *   most places are free.
 * - *being written*: while Redis cannot serve, the write is tried again every second, so nothing is lost.
 * - *written*: the promise resolves. A completed job has freed its place by then.
 */
export interface JobSettler {
  /** @param state JSON */
  save(job: ActiveJob, state: string): Promise<void>;
  /** @param result JSON */
  complete(job: ActiveJob, result: string): Promise<void>;
  /**
   * Takes as many jobs as there are free places, and begins them.
   * @returns how many were taken, and when the next delayed job is due in ms: 0 if there is none, undefined if BullMQ's
   * own script must take the next job
   * @throws StoreUnavailableError
   */
  take(): Promise<{ taken: number; nextDelayedAt: number | undefined }>;
}

/** A job, and the state or result to write for it. */
export type Write = readonly [job: ActiveJob, json: string];

/**
 * @param options.save writes states into jobs
 * @param options.settle completes jobs and takes at most `room` others; see `settleJobs`
 * @param options.begin begins a taken job
 * @param options.letGo frees the place of a completed job
 * @param options.onCompleted hears of each job that was completed, but not of one that was no longer ours to complete
 */
export function createJobSettler(options: {
  places: Pick<ShardPlaces, 'count' | 'free' | 'isHungry' | 'reserve' | 'release' | 'refillable' | 'learn'>;
  save(states: readonly Write[]): Promise<void>;
  settle(completions: Completion[], room: number): Promise<Settled>;
  begin(taken: TakenJob): void;
  letGo(job: ActiveJob): void;
  onCompleted(job: ActiveJob): void;
  logger: Logger;
}): JobSettler {
  const { places, begin, letGo, onCompleted, logger } = options;
  async function settle(batch: readonly Write[]): Promise<{ taken: number; nextDelayedAt: number | undefined }> {
    const refilled = places.refillable(batch.length);
    // If jobs waited at the last look at the line, a completion takes jobs for all free places. If not, it takes only as many as
    // it completes, so that the other places stay free for jobs that are being added.
    const reserved = places.isHungry || refilled === 0 ? places.reserve(MAX_BATCH - refilled) : 0;
    const room = reserved + refilled;
    try {
      const { codes, taken, nextDelayedAt } = await options.settle(batch.map(toCompletion), room);
      for (const [index, [job]] of batch.entries()) {
        // If the user has cancelled the request or erased the session, the job may have been removed. That needs no
        // warning.
        if (codes[index]! < 0 && !job.cancelled)
          logger.warn({ jobId: job.id, code: codes[index] }, 'a job was no longer ours to complete');
        letGo(job);
        if (codes[index] === 0) onCompleted(job);
      }
      if (room > 0) places.learn(taken.length === room ? 'may have more' : 'had all');
      for (const job of taken) begin(job);
      return { taken: taken.length, nextDelayedAt };
    } finally {
      places.release(reserved);
    }
  }

  const save = inBatches(
    async (batch: Write[]) => {
      await untilStored(() => options.save(batch), logger);
      return [];
    },
    { maxItems: MAX_BATCH },
  );
  const complete = inBatches(
    async (batch: Write[]) => {
      await untilStored(() => settle(batch), logger);
      return [];
    },
    { maxItems: MAX_BATCH, gatherMs: () => (places.free > places.count / 2 ? GATHER_MS : 0) },
  );
  return {
    save: (job, state): Promise<void> => save([job, state]),
    complete: (job, result): Promise<void> => complete([job, result]),
    take: () => settle([]),
  };
}

const toCompletion = ([job, returnValue]: Write): Completion => ({
  jobId: job.id,
  digest: job.digest,
  attemptsStarted: job.attemptsStarted,
  attemptsMade: job.attemptsMade + 1,
  locked: job.locked,
  returnValue,
});
