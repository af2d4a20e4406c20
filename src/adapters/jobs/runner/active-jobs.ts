import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../../contracts/errors.ts';
import type { TextSeals } from '../../../contracts/sealing.ts';
import type { HeadStart, JobInHand } from '../job-in-hand.ts';
import { NewerJobError, type UnusableJobError } from '../read-job-data.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import { ActiveJob, type JobWrites } from './active-job.ts';
import type { Places } from './places.ts';

/** How many cancellations are remembered, because the notice of a cancellation may arrive before the job does. */
const CANCELLATIONS_REMEMBERED = 1_000;

/** A job whose user's key cannot be fetched waits for so long. */
const KEY_AWAY_MS = 5_000;

const NEWER_DELAY_MS = 500;
const NEWER_MAX_DELAY_MS = 30_000;

export type Work<Start extends HeadStart> = (job: JobInHand, headStart: Start | undefined) => Promise<void>;

/**
 * The jobs that this process has in hand. `begin` adds a job, starts the work on it and occupies a place. The job is
 * removed, and its place becomes free, when it completes or when the work on it ends in another way.
 *
 * A job may lose its lock and be taken again while an earlier attempt at it still runs here. Then the later attempt
 * replaces the earlier one. The earlier one can no longer change anything in Redis.
 */
interface ActiveJobs<Start extends HeadStart> extends Iterable<ActiveJob> {
  /** From now on, jobs are worked on. */
  start(work: Work<Start>, writes: JobWrites): void;
  /** @param locked whether the job was taken by a script that locks it */
  begin(taken: TakenJob, headStart?: Start, locked?: boolean): void;
  has(jobId: string): boolean;
  /** Frees the job's place for another job. A second call does nothing. */
  letGo(job: ActiveJob): void;
  /** Aborts the job's signal, even if the job only comes later. */
  cancel(jobId: string): void;
  /** Aborts the signals of all jobs, because this process must stop. */
  stopAll(): void;
}

export function createActiveJobs<Start extends HeadStart>(options: {
  places: Pick<Places, 'occupy' | 'vacate'>;
  seals: TextSeals;
  logger: Logger;
}): ActiveJobs<Start> {
  const { places, seals, logger } = options;
  const jobs = new Map<string, ActiveJob>();
  const cancelledLately = new Set<string>();
  let toldOfNewer = false;
  let started: { work: Work<Start>; writes: JobWrites } | undefined;

  async function run(job: ActiveJob, work: Work<Start>, headStart: Start | undefined): Promise<void> {
    try {
      if (!(await opened(job, headStart))) return;
      const { unreadable } = job;
      if (!unreadable) await work(job, headStart);
      else if (unreadable instanceof NewerJobError) await leaveToOthers(job);
      else await giveUp(job, unreadable, headStart);
    } catch (error) {
      logger.warn({ jobId: job.id, err: error }, 'the work on a job broke off; the job will be taken up again');
    } finally {
      letGo(job);
    }
  }

  /** Returns false if the store of the keys is away. Then the job waits, which uses up no attempt. */
  async function opened(job: ActiveJob, headStart: Start | undefined): Promise<boolean> {
    try {
      await job.open(seals);
      // Its texts are sealed, and there is no master key.
      void job.unreadable;
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      headStart?.drop();
      logger.debug({ jobId: job.id, err: error }, 'the key of a user could not be fetched; the job waits');
      await job.delay(KEY_AWAY_MS);
      return false;
    }
  }

  /** A job with unusable data fails. Otherwise it would be taken again and again. */
  async function giveUp(job: ActiveJob, reason: UnusableJobError, headStart: Start | undefined): Promise<void> {
    headStart?.drop();
    logger.warn({ jobId: job.id, reason: reason.message }, 'the data of a job is not usable, so it fails');
    await job.giveUp(reason);
  }

  /**
   * A job of a newer version waits in Redis for a worker of that version, longer each time it comes to one that does not know
   * it.
   */
  async function leaveToOthers(job: ActiveJob): Promise<void> {
    if (!toldOfNewer)
      logger.warn({ jobId: job.id }, 'a newer version has added a job: it is left to workers of that version');
    toldOfNewer = true;
    await job.delay(Math.min(NEWER_MAX_DELAY_MS, NEWER_DELAY_MS * 2 ** Math.min(job.attemptsStarted - 1, 10)));
  }

  function letGo(job: ActiveJob): void {
    if (jobs.get(job.id) !== job) return;
    jobs.delete(job.id);
    places.vacate();
  }

  return {
    start: (work, writes) => {
      started = { work, writes };
    },
    begin: (taken, headStart, locked = false) => {
      if (!started) throw new Error('No job can be begun with before the start.');
      const job = new ActiveJob(taken, { locked, writes: started.writes });
      if (cancelledLately.has(job.id)) job.cancel();
      if (!jobs.has(job.id)) places.occupy();
      jobs.set(job.id, job);
      void run(job, started.work, headStart);
    },
    has: (jobId) => jobs.has(jobId),
    letGo,
    cancel: (jobId) => {
      jobs.get(jobId)?.cancel();
      cancelledLately.add(jobId);
      if (cancelledLately.size > CANCELLATIONS_REMEMBERED)
        cancelledLately.delete(cancelledLately.values().next().value!);
    },
    stopAll: () => {
      for (const job of jobs.values()) job.stop();
    },
    [Symbol.iterator]: () => jobs.values(),
  };
}
