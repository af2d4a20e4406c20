import type { HeadStart } from '../job-in-hand.ts';
import type { NewJob } from '../job-queue.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import type { HeadStarts } from './head-starts.ts';
import type { Places } from './places.ts';

/** What became of jobs that were added. */
export interface AddedJobs {
  /** How many jobs no process has in hand now. */
  untaken: number;
  /** Those of erased users, which were not added. */
  refused: readonly NewJob[];
}

/**
 * Adds jobs, and begins those that Redis lets this process begin at once. A job that is being added has these states:
 * - *sent*: places are reserved, head starts are given, and Redis has not answered yet.
 * - *begun*, *in line*, or *refused* because its user was erased, as Redis has decided.
 * @param options.addJobs adds jobs to the queue; if there is `room` for all of them, they may begin at once
 * @returns a function that adds jobs
 */
export function createJobAdder<Start extends HeadStart>(options: {
  places: Pick<Places, 'reserve' | 'release'>;
  headStarts: HeadStarts<Start>;
  addJobs(
    jobs: readonly NewJob[],
    room: number,
  ): Promise<{ untaken: number; started: (TakenJob & { place: number })[]; refused: number[] }>;
  begin(taken: TakenJob, headStart: Start | undefined): void;
}): (jobs: readonly NewJob[]) => Promise<AddedJobs> {
  const { places, headStarts, addJobs, begin } = options;

  return async (jobs) => {
    const room = places.reserve(jobs.length);
    const given = headStarts.giveTo(jobs, room);
    try {
      const { untaken, started, refused } = await addJobs(jobs, room);
      headStarts.learn(started.length > 0);
      for (const job of started) {
        begin(job, given[job.place]);
        given[job.place] = undefined;
      }
      return { untaken, refused: refused.map((index) => jobs[index]!) };
    } finally {
      places.release(room);
      for (const headStart of given) headStart?.drop();
    }
  };
}
