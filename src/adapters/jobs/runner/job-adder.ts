import type { HeadStart } from '../job-in-hand.ts';
import type { NewJob } from '../job-queue.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import type { HeadStarts } from './head-starts.ts';
import type { Places } from './places.ts';

/** The disk of the Redis where jobs are added, if jobs count as added only once they are on it. */
export interface Disk {
  /**
   * Resolves once jobs can be added, with a function. That function resolves once everything added since is on disk.
   */
  ready(): Promise<() => Promise<void>>;
}

/**
 * Adds jobs, and begins those that Redis lets this process begin at once. A job that is being added has these states:
 * - *sent*: places are reserved, head starts are given, and Redis has not answered yet.
 * - *begun* or *in line*, as Redis has decided.
 * - *safe*: the job is on Redis's disk, if that is asked for.
 *
 * The work begins before the job is safe. If Redis loses the job meanwhile, RabbitMQ still has its message.
 * @param options.addJobs adds jobs to the queue; if there is `room` for all of them, they may begin at once
 * @param options.disk left out: jobs are safe once Redis has them
 * @returns a function that adds jobs, and returns how many jobs no process has in hand then
 * @throws StoreUnavailableError the jobs may not be safe
 */
export function createJobAdder<Start extends HeadStart>(options: {
  places: Pick<Places, 'reserve' | 'release'>;
  headStarts: HeadStarts<Start>;
  addJobs(
    jobs: readonly NewJob[],
    room: number,
  ): Promise<{ untaken: number; started: (TakenJob & { place: number })[] }>;
  begin(taken: TakenJob, headStart: Start | undefined): void;
  disk: Disk | undefined;
}): (jobs: readonly NewJob[]) => Promise<number> {
  const { places, headStarts, addJobs, begin, disk } = options;

  async function addAndBegin(jobs: readonly NewJob[]): Promise<number> {
    const room = places.reserve(jobs.length);
    const given = headStarts.giveTo(jobs, room);
    try {
      const { untaken, started } = await addJobs(jobs, room);
      headStarts.learn(started.length > 0);
      for (const job of started) {
        begin(job, given[job.place]);
        given[job.place] = undefined;
      }
      return untaken;
    } finally {
      places.release(room);
      for (const headStart of given) headStart?.drop();
    }
  }

  return async (jobs) => {
    if (!disk) return await addAndBegin(jobs);
    const untilSafe = await disk.ready();
    const untaken = await addAndBegin(jobs);
    await untilSafe();
    return untaken;
  };
}
