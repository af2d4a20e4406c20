import { expect, jest, test } from '@jest/globals';
import type { HeadStart, JobInHand } from '../../../../src/adapters/jobs/job-in-hand.ts';
import { createActiveJobs } from '../../../../src/adapters/jobs/runner/active-jobs.ts';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';
import { plainTexts } from '../../../../src/contracts/sealing.ts';
import { captureLog } from '../../../captured-log.ts';
import { jobWrites } from './job-writes.ts';
import { takenJob } from './new-job.ts';

/** Jobs whose work ends when the test says so. */
function openJobs(places = 2) {
  const { logger, said } = captureLog();
  const all = createPlaces(places);
  all.open();
  const jobs = createActiveJobs({ places: all, seals: plainTexts, logger });
  const worked: { job: JobInHand; headStart: HeadStart | undefined; end: (error?: Error) => void }[] = [];
  const writes = jobWrites();
  jobs.start((job, headStart) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worked.push({ job, headStart, end: (error) => (error ? reject(error) : resolve()) });
    return promise;
  }, writes);
  return { jobs, places: all, worked, writes, said };
}
const nextTurn = () => new Promise(setImmediate);
const ids = (jobs: Iterable<{ id: string }>) => [...jobs].map(({ id }) => id);

test('a job occupies its place from its beginning until the work on it has ended', async () => {
  const { jobs, places, worked } = openJobs();
  jobs.begin(takenJob('a'));
  expect([jobs.has('r-a'), places.free]).toEqual([true, 1]);
  await nextTurn();
  worked[0]!.end();
  await nextTurn();
  expect([jobs.has('r-a'), places.free]).toEqual([false, 2]);
});

test('a completed job leaves its place at once, and leaves it only once', async () => {
  const { jobs, places, worked } = openJobs();
  jobs.begin(takenJob('a'));
  await nextTurn();
  const [job] = jobs;
  jobs.letGo(job!);
  expect(places.free).toBe(2);
  worked[0]!.end();
  await nextTurn();
  expect(places.free).toBe(2);
});

test('a job is worked on with the head start that it was given', async () => {
  const { jobs, worked } = openJobs();
  const headStart = { drop: jest.fn() };
  jobs.begin(takenJob('a'), headStart);
  await nextTurn();
  expect(worked[0]!.headStart).toBe(headStart);
  expect(headStart.drop).not.toHaveBeenCalled();
});

test('a job whose work rejects is left, and the log says so', async () => {
  const { jobs, places, worked, said, writes } = openJobs();
  jobs.begin(takenJob('a'));
  await nextTurn();
  worked[0]!.end(new Error('unforeseen'));
  await nextTurn();
  expect(places.free).toBe(2);
  expect(said('taken up again')).toHaveLength(1);
  expect(writes.fail).not.toHaveBeenCalled();
});

test('a job that nobody can work on fails, and its head start is dropped', async () => {
  const { jobs, places, worked, writes } = openJobs();
  const headStart = { drop: jest.fn() };
  jobs.begin(takenJob('a', { data: '{}' }), headStart);
  await nextTurn();
  expect(worked).toEqual([]);
  expect(headStart.drop).toHaveBeenCalledTimes(1);
  expect(writes.fail).toHaveBeenCalledTimes(1);
  expect(places.free).toBe(2);
});

test('a job that is taken again while an earlier attempt still runs has one place', async () => {
  const { jobs, places, worked } = openJobs();
  jobs.begin(takenJob('a'));
  jobs.begin(takenJob('a', { attemptsStarted: 2 }));
  expect([ids(jobs), places.free]).toEqual([['r-a'], 1]);
  await nextTurn();
  worked[0]!.end();
  await nextTurn();
  expect([ids(jobs), places.free]).toEqual([['r-a'], 1]);
  worked[1]!.end();
  await nextTurn();
  expect([ids(jobs), places.free]).toEqual([[], 2]);
});

test('a job is cancelled while it is in hand, and also if the notice comes before the job', async () => {
  const { jobs, worked } = openJobs();
  jobs.begin(takenJob('a'));
  jobs.begin(takenJob('other'));
  jobs.cancel('r-a');
  jobs.cancel('r-b');
  jobs.begin(takenJob('b'));
  await nextTurn();
  expect(worked.map(({ job }) => job.cancelled)).toEqual([true, false, true]);
});

test('of many notices the latest thousand are remembered', async () => {
  const { jobs, worked } = openJobs();
  for (let i = 0; i <= 1_000; i += 1) jobs.cancel(`r-${i}`);
  for (const id of ['0', '1', '1000']) jobs.begin(takenJob(id));
  await nextTurn();
  expect(worked.map(({ job }) => job.cancelled)).toEqual([false, true, true]);
});

test('when the process stops, all signals are aborted with that reason', async () => {
  const { jobs, worked } = openJobs();
  for (const id of ['a', 'b']) jobs.begin(takenJob(id));
  jobs.stopAll();
  await nextTurn();
  expect(worked.map(({ job }) => job.signal.reason?.code)).toEqual(['process_stopping', 'process_stopping']);
});
