import { jobIdOf } from '../chat-job.ts';
import type { HeadStart } from '../job-in-hand.ts';
import type { NewJob } from '../job-queue.ts';

/**
 * Starts work on jobs while they are still being added, if they will most likely begin at once. The work then goes on
 * with the job, or is dropped.
 *
 * Head starts are *given* or *withheld*:
 *
 *     given ── the jobs that were added last had to wait in line ──> withheld
 *     withheld ── the jobs that were added last began at once ──> given
 */
export interface HeadStarts<Start extends HeadStart> {
  /**
   * @returns a head start for each job, by its index. There is none for a job that is in hand already or comes twice,
   * and none at all if there is no room for all of the jobs
   */
  giveTo(jobs: readonly NewJob[], room: number): (Start | undefined)[];
  /** Tells whether the jobs that were added last began at once or had to wait. */
  learn(begunAtOnce: boolean): void;
}

/**
 * @param options.give starts the work on a job; may return undefined if there is nothing to start
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
