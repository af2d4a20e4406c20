import { jobIdOf } from '../chat-job.ts';
import type { HeadStart } from '../job-in-hand.ts';
import type { NewJob } from '../job-queue.ts';

/**
 * Begins work on jobs while they are still being added, where they will most likely be begun with at once. The work that
 * was begun goes with the job, or is dropped.
 *
 * Head starts are *given* or *withheld*:
 *
 *     given ── the jobs that were added last had to wait in line ──> withheld
 *     withheld ── the jobs that were added last were begun with at once ──> given
 */
export interface HeadStarts<Start extends HeadStart> {
  /**
   * @returns a head start for each job, by its index; none for a job that is in hand already, or comes twice, or if there is
   * no room for all of the jobs
   */
  giveTo(jobs: readonly NewJob[], room: number): (Start | undefined)[];
  /** The jobs that were added last were begun with at once, or had to wait. */
  learn(begunAtOnce: boolean): void;
}

/**
 * @param options.give begins the work on a job, if there is anything to begin with
 * @param options.isInHand whether a job is in hand already
 */
export function createHeadStarts<Start extends HeadStart>(options: {
  give(job: NewJob): Start | undefined;
  isInHand(jobId: string): boolean;
}): HeadStarts<Start> {
  const { give, isInHand } = options;
  let state: 'given' | 'withheld' = 'given';

  return {
    giveTo: (jobs, room) => {
      if (state === 'withheld' || room < jobs.length) return [];
      const seen = new Set<string>();
      return jobs.map((job) => {
        const id = jobIdOf(job.request.requestId);
        if (isInHand(id) || seen.has(id)) return undefined;
        seen.add(id);
        return give(job);
      });
    },
    learn: (begunAtOnce) => {
      state = begunAtOnce ? 'given' : 'withheld';
    },
  };
}
