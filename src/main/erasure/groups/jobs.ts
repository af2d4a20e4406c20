import type { JobOfUser, UsersJobs } from '../../../adapters/jobs/jobs-of-user.ts';
import { requestIdOf } from '../../../adapters/jobs/search/read-job.ts';
import type { DataGroup } from '../../../api/erasure/data-group.ts';
import { traceOfOne } from './traces.ts';

/** Some jobs belong to no conversation of ours: another service has asked. */
export function jobsGroup(options: {
  jobs: UsersJobs;
  cancelRequests: (userId: string, requestIds: string[]) => Promise<void>;
  forgetJobs: (userId: string, requestIds: string[]) => Promise<string[]>;
  /** Forgets examples of failed jobs, which may be the user's. */
  forgetExamples: () => Promise<void>;
}): DataGroup<'jobs' | 'job_search' | 'places_in_line'> {
  const { jobs, cancelRequests, forgetJobs, forgetExamples } = options;
  const idsOf = (found: readonly JobOfUser[]) => found.map(({ requestId }) => requestId);

  return {
    export: {
      jobs: ({ userId }) => jobs.kept(userId),
      job_search: async function* (scope) {
        for await (const { jobId, at, status, code } of jobs.lines(scope)) {
          yield {
            requestId: requestIdOf(jobId) ?? jobId,
            endedAt: new Date(at).toISOString(),
            status,
            code: code || null,
          };
        }
      },
      places_in_line: async function* ({ userId }) {
        yield* await jobs.places(userId);
      },
    },
    counted: 'both',
    count: async (scope) => ({
      jobs: (await jobs.find(scope)).length,
      job_search: await countEach(jobs.lines(scope)),
      ...(scope.sessionId === undefined && { places_in_line: (await jobs.places(scope.userId)).length }),
    }),
    trace: async function* (scope) {
      yield* (await jobs.find(scope)).map(traceOfOne);
    },
    gather: async (scope, note) => {
      const found = await jobs.find(scope);
      await note(found.map(traceOfOne));
      await cancelRequests(scope.userId, idsOf(found));
    },
    erase: async (scope) => {
      await forgetJobs(scope.userId, idsOf(await jobs.find(scope)));
      await jobs.eraseLines(scope);
      await forgetExamples();
      if (scope.sessionId === undefined) await jobs.erasePlaces(scope.userId);
    },
  };
}

async function countEach(all: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of all) count++;
  return count;
}
