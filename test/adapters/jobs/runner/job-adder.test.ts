import { expect, test } from '@jest/globals';
import type { HeadStart } from '../../../../src/adapters/jobs/job-in-hand.ts';
import type { TakenJob } from '../../../../src/adapters/jobs/redis-scripts/taken-job.ts';
import { createJobAdder } from '../../../../src/adapters/jobs/runner/job-adder.ts';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';
import { StoreUnavailableError } from '../../../../src/contracts/errors.ts';
import { newJob, takenJob } from './new-job.ts';

/** An adder whose Redis answers when the test says so. */
function openAdder() {
  const all = createPlaces(3);
  all.open();
  const log: string[] = [];
  const reply = Promise.withResolvers<{
    untaken: number;
    started: (TakenJob & { place: number })[];
    refused: number[];
  }>();
  const add = createJobAdder({
    places: all,
    headStarts: {
      giveTo: (jobs) => jobs.map(({ request: { requestId: id } }) => ({ drop: () => log.push(`${id} dropped`) })),
      learn: (begunAtOnce) => log.push(begunAtOnce ? 'begun at once' : 'had to wait'),
    },
    addJobs: (jobs, room) => {
      log.push(`${jobs.length} added with room for ${room}`);
      return reply.promise;
    },
    begin: ({ jobId }, headStart: HeadStart | undefined) => log.push(`${jobId} ${headStart ? 'with' : 'without'}`),
  });
  return { add, places: all, log, reply };
}
const jobs = ['a', 'b'].map(newJob);

test('the places are reserved while Redis is asked, and released when it has answered', async () => {
  const { add, places, reply } = openAdder();
  const adding = add(jobs);
  expect(places.free).toBe(1);
  reply.resolve({ untaken: 7, started: [], refused: [1] });
  expect(await adding).toEqual({ untaken: 7, refused: [jobs[1]] });
  expect(places.free).toBe(3);
});

test('jobs that Redis gives to this process begin with their head starts; the other head starts are dropped', async () => {
  const { add, log, reply } = openAdder();
  reply.resolve({ untaken: 0, started: [{ ...takenJob('b'), place: 1 }], refused: [] });
  await add(jobs);
  expect(log).toEqual(['2 added with room for 2', 'begun at once', 'r-b with', 'a dropped']);
});

test('if Redis does not take the jobs, the head starts are dropped and the places are free again', async () => {
  const { add, places, log, reply } = openAdder();
  reply.reject(new StoreUnavailableError('away'));
  await expect(add(jobs)).rejects.toBeInstanceOf(StoreUnavailableError);
  expect(log).toEqual(['2 added with room for 2', 'a dropped', 'b dropped']);
  expect(places.free).toBe(3);
});
