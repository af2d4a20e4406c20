import type { Logger } from 'pino';
import { inBatches } from '../../../batching/in-batches.ts';
import type { Completion, Settled } from '../redis-scripts/settle-jobs.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import { untilStored } from '../until-stored.ts';
import type { ActiveJob } from './active-job.ts';
import type { Places } from './places.ts';

/** Redis does nothing else while it carries out a batch: one of this size takes it a few ms. */
const MAX_BATCH = 200;
/**
 * While more than half of the places are free, nobody waits for a job to complete. Completions that are so close together
 * share a round trip.
 */
const GATHER_MS = 30;

/**
 * Writes what jobs have come to, many jobs in one round trip, and takes the next jobs in the same round trip.
 *
 * A result that is saved or completed is in one of three states:
 * - *gathered*: it waits for others to share its round trip: until the batch before it is written, and up to 30 ms if most
 *   places are free.
 * - *being written*: while Redis cannot serve, it is tried again every second. Nothing is lost.
 * - *written*: the promise resolves. A completed job has left its place by then.
 */
export interface JobSettler {
  /** @param state JSON */
  save(job: ActiveJob, state: string): Promise<void>;
  /** @param result JSON */
  complete(job: ActiveJob, result: string): Promise<void>;
  /**
   * Takes as many jobs as there are free places, and begins with them.
   * @returns how many were taken; when the next delayed job is due in ms, 0 if there is none, undefined if BullMQ's own
   * script is to take the next job
   * @throws StoreUnavailableError
   */
  take(): Promise<{ taken: number; nextDelayedAt: number | undefined }>;
}

/** A job, and the state or result to be written for it. */
export type Write = readonly [job: ActiveJob, json: string];

/**
 * @param options.save writes states into jobs
 * @param options.settle completes jobs and takes at most `room` others; see `settleJobs`
 * @param options.begin a taken job is to be begun with
 * @param options.letGo a completed job is in hand no more
 */
export function createJobSettler(options: {
  places: Pick<Places, 'count' | 'free' | 'state' | 'reserve' | 'release'>;
  save(states: readonly Write[]): Promise<void>;
  settle(completions: Completion[], room: number): Promise<Settled>;
  begin(taken: TakenJob): void;
  letGo(job: ActiveJob): void;
  logger: Logger;
}): JobSettler {
  const { places, begin, letGo, logger } = options;
  /**
   * Whether the line was empty after the last look at it. If jobs wait, a completion takes jobs for all free places. If none
   * wait, it takes only as many as it completes, so that the other places stay free for jobs that are being added.
   */
  let line: 'empty' | 'jobs wait' = 'empty';

  async function settle(batch: readonly Write[]): Promise<{ taken: number; nextDelayedAt: number | undefined }> {
    const vacated = places.state === 'open' ? batch.length : 0;
    const reserved = line === 'jobs wait' || vacated === 0 ? places.reserve(MAX_BATCH - vacated) : 0;
    const room = reserved + vacated;
    try {
      const { codes, taken, nextDelayedAt } = await options.settle(batch.map(toCompletion), room);
      for (const [index, [job]] of batch.entries()) {
        // If its user has cancelled or erased the request, the job may well have been removed. That is no warning.
        if (codes[index]! < 0 && !job.cancelled)
          logger.warn({ jobId: job.id, code: codes[index] }, 'a job was no longer ours to complete');
        letGo(job);
      }
      line = taken.length > 0 && taken.length === room ? 'jobs wait' : 'empty';
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
