import { expect, test } from '@jest/globals';
import type { HeadStart } from '../../../../src/adapters/jobs/job-in-hand.ts';
import type { TakenJob } from '../../../../src/adapters/jobs/redis-scripts/taken-job.ts';
import { createJobAdder } from '../../../../src/adapters/jobs/runner/job-adder.ts';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';
import { StoreUnavailableError } from '../../../../src/contracts/errors.ts';
import { newJob, takenJob } from './new-job.ts';

/** An adder whose Redis answers when the test says so. */
function openAdder({ places = 3, untilSafe }: { places?: number; untilSafe?: () => Promise<void> } = {}) {
  const all = createPlaces(places);
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
    refuse: async (refused) => void log.push(`${refused.map(({ request }) => request.requestId)} refused`),
    begin: ({ jobId }, headStart: HeadStart | undefined) => log.push(`${jobId} ${headStart ? 'with' : 'without'}`),
    safely:
      untilSafe &&
      (async (write) => {
        const result = await write();
        await untilSafe();
        return result;
      }),
  });
  return { add, places: all, log, reply };
}
const jobs = ['a', 'b'].map(newJob);

test('the places are reserved while Redis is asked, and released when it has answered', async () => {
  const { add, places, reply } = openAdder();
  const adding = add(jobs);
  expect(places.free).toBe(1);
  reply.resolve({ untaken: 7, started: [], refused: [] });
  expect(await adding).toBe(7);
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

test('jobs that must be on disk begin at once, and count as added once they are there', async () => {
  const written = Promise.withResolvers<void>();
  const { add, log, reply } = openAdder({ untilSafe: () => written.promise });
  reply.resolve({ untaken: 0, started: [{ ...takenJob('a'), place: 0 }], refused: [] });
  const adding = add(jobs).then(() => log.push('added'));
  await new Promise(setImmediate);
  expect(log).toEqual(['2 added with room for 2', 'begun at once', 'r-a with', 'b dropped']);
  written.resolve();
  await adding;
  expect(log.at(-1)).toBe('added');
});

test('jobs that the disk does not have in time are refused', async () => {
  const late = () => Promise.reject(new StoreUnavailableError('late'));
  const { add, reply } = openAdder({ untilSafe: late });
  reply.resolve({ untaken: 0, started: [], refused: [] });
  await expect(add(jobs)).rejects.toThrow('late');
});
