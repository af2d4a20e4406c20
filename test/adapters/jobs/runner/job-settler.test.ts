import { expect, jest, test } from '@jest/globals';
import type { Completion, Settled } from '../../../../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import { ActiveJob } from '../../../../src/adapters/jobs/runner/active-job.ts';
import { createJobSettler } from '../../../../src/adapters/jobs/runner/job-settler.ts';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';
import { sharePlaces } from '../../../../src/adapters/jobs/runner/shard-places.ts';
import { StoreUnavailableError } from '../../../../src/contracts/errors.ts';
import { captureLog } from '../../../captured-log.ts';
import { until } from '../../../until.ts';
import { jobWrites } from './job-writes.ts';
import { takenJob } from './new-job.ts';

/** A settler, and what it asks Redis for; Redis completes everything, and has as many jobs waiting as are put into `line`. */
function openSettler({ places = 4, inHand = 0, line = [] as string[] } = {}) {
  const opened = createPlaces(places);
  opened.open();
  const all = sharePlaces(opened, 1)[0]!;
  for (let i = 0; i < inHand; i += 1) all.occupy();
  const { logger, said } = captureLog();
  const begun: string[] = [];
  const completed: string[] = [];
  const asked: { ids: string[]; room: number }[] = [];
  const settle = jest.fn(async (completions: Completion[], room: number): Promise<Settled> => {
    asked.push({ ids: completions.map(({ jobId }) => jobId), room });
    const taken = line.splice(0, room).map((id) => takenJob(id));
    return { codes: completions.map(() => 0), taken, nextDelayedAt: 0 };
  });
  const save = jest.fn((_states: readonly unknown[]) => Promise.resolve());
  const settler = createJobSettler({
    places: all,
    save,
    settle,
    begin: ({ jobId }) => {
      all.occupy();
      begun.push(jobId);
    },
    letGo: () => all.vacate(),
    onCompleted: ({ id }) => completed.push(id),
    logger,
  });
  return { settler, close: opened.close, places: all, settle, save, asked, begun, completed, line, said };
}
const jobOf = (id: string, different = {}) =>
  new ActiveJob(takenJob(id, different), { locked: false, writes: jobWrites() });

test('jobs that are saved at the same time share one round trip', async () => {
  const { settler, save } = openSettler();
  const jobs = ['a', 'b'].map((id) => jobOf(id));
  await Promise.all(jobs.map((job) => settler.save(job, '{}')));
  expect(save.mock.calls).toEqual([[jobs.map((job) => [job, '{}'])]]);
});

test('jobs that complete at the same time share one round trip, and their places are taken by the next jobs', async () => {
  const { settler, places, asked, begun } = openSettler({ inHand: 3, line: ['next', 'later', 'last'] });
  await Promise.all(['a', 'b'].map((id) => settler.complete(jobOf(id), '{}')));
  expect(asked).toEqual([{ ids: ['r-a', 'r-b'], room: 2 }]);
  expect(begun).toEqual(['r-next', 'r-later']);
  expect(places.free).toBe(1);
});

test('while jobs wait, a completion takes jobs for all free places; once none wait, only for its own', async () => {
  const { settler, asked, places } = openSettler({ inHand: 4, line: ['b'] });
  await settler.complete(jobOf('a'), '{}');
  // It took as many as it could, so there may be more.
  places.vacate();
  await settler.complete(jobOf('b'), '{}');
  await settler.complete(jobOf('c'), '{}');
  expect(asked).toEqual([
    { ids: ['r-a'], room: 1 },
    { ids: ['r-b'], room: 2 },
    { ids: ['r-c'], room: 1 },
  ]);
});

test('as many jobs are taken as places are free, and none once the places are closed', async () => {
  const { settler, close, asked } = openSettler({ inHand: 1, line: ['a'] });
  expect(await settler.take()).toEqual({ taken: 1, nextDelayedAt: 0 });
  close();
  await settler.take();
  await settler.complete(jobOf('b'), '{}');
  expect(asked.map(({ room }) => room)).toEqual([3, 0, 0]);
});

test('a place stays reserved while Redis is asked, and is free again if Redis does not answer', async () => {
  const { settler, places, settle } = openSettler();
  const reply = Promise.withResolvers<Settled>();
  settle.mockReturnValueOnce(reply.promise);
  const taking = settler.take();
  expect(places.free).toBe(0);
  reply.reject(new StoreUnavailableError('away'));
  await expect(taking).rejects.toBeInstanceOf(StoreUnavailableError);
  expect(places.free).toBe(4);
});

test('a completion that Redis cannot take is tried again, and keeps its place until then', async () => {
  const { settler, places, settle, asked } = openSettler({ inHand: 1 });
  settle.mockRejectedValueOnce(new StoreUnavailableError('away'));
  const completing = settler.complete(jobOf('a'), '{}');
  await until('it is refused', () => settle.mock.calls.length === 1);
  expect(places.free).toBe(3);
  await completing;
  expect(settle).toHaveBeenCalledTimes(2);
  expect(asked).toHaveLength(1);
  expect(places.free).toBe(4);
});

test('a job that was completed is reported', async () => {
  const { settler, completed } = openSettler({ inHand: 1 });
  await settler.complete(jobOf('a'), '{}');
  expect(completed).toEqual(['r-a']);
});

test('a job that was no longer ours is a warning, unless its user has cancelled it, and does not count as completed', async () => {
  const { settler, settle, said, completed } = openSettler({ inHand: 2 });
  settle.mockImplementation(async (completions) => ({
    codes: completions.map(() => -6),
    taken: [],
    nextDelayedAt: 0,
  }));
  await Promise.all([
    settler.complete(jobOf('lost'), '{}'),
    settler.complete(jobOf('cancelled', { cancelled: true }), '{}'),
  ]);
  expect(said('no longer ours')).toMatchObject([{ jobId: 'r-lost', code: -6 }]);
  expect(completed).toEqual([]);
});
