import type { HeadStart } from '../job-in-hand.ts';
import type { NewJob } from '../job-queue.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import type { HeadStarts } from './head-starts.ts';
import type { Places } from './places.ts';

/**
 * Adds jobs, and begins those that Redis lets this process begin at once. A job that is being added has these states:
 * - *sent*: places are reserved, head starts are given, and Redis has not answered yet.
 * - *begun* or *in line*, as Redis has decided.
 * - *safe*: the job is on Redis's disk, or on its replicas, if that is asked for.
 *
 * The work begins before the job is safe. If Redis loses the job meanwhile, RabbitMQ still has its message.
 * @param options.addJobs adds jobs to the queue; if there is `room` for all of them, they may begin at once
 * @param options.refuse ends the requests of erased users, whose jobs are not added
 * @param options.safely makes a write, and waits until it is safe. Left out: jobs are safe once Redis has them
 * @returns a function that adds jobs, and returns how many jobs no process has in hand then
 * @throws StoreUnavailableError the jobs may not be safe
 */
export function createJobAdder<Start extends HeadStart>(options: {
  places: Pick<Places, 'reserve' | 'release'>;
  headStarts: HeadStarts<Start>;
  addJobs(
    jobs: readonly NewJob[],
    room: number,
  ): Promise<{ untaken: number; started: (TakenJob & { place: number })[]; refused: number[] }>;
  refuse(jobs: readonly NewJob[]): Promise<void>;
  begin(taken: TakenJob, headStart: Start | undefined): void;
  safely?: (<T>(write: () => Promise<T>) => Promise<T>) | undefined;
}): (jobs: readonly NewJob[]) => Promise<number> {
  const { places, headStarts, addJobs, refuse, begin, safely } = options;

  async function addAndBegin(jobs: readonly NewJob[]): Promise<{ untaken: number; refused: number[] }> {
    const room = places.reserve(jobs.length);
    const given = headStarts.giveTo(jobs, room);
    try {
      const { untaken, started, refused } = await addJobs(jobs, room);
      headStarts.learn(started.length > 0);
      for (const job of started) {
        begin(job, given[job.place]);
        given[job.place] = undefined;
      }
      return { untaken, refused };
    } finally {
      places.release(room);
      for (const headStart of given) headStart?.drop();
    }
  }

  return async (jobs) => {
    const { untaken, refused } = await (safely ? safely(() => addAndBegin(jobs)) : addAndBegin(jobs));
    if (refused.length > 0) await refuse(refused.map((index) => jobs[index]!));
    return untaken;
  };
}
