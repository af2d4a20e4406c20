import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { addJobs } from '../../../../src/adapters/jobs/job-queue.ts';
import { type JobToLock, lockJobs } from '../../../../src/adapters/jobs/redis-scripts/lock-jobs.ts';
import { ActiveJob } from '../../../../src/adapters/jobs/runner/active-job.ts';
import { createLockKeeper } from '../../../../src/adapters/jobs/runner/lock-keeper.ts';
import { JOBS_PREFIX } from '../../../../src/contracts/queues.ts';
import { redisKeys } from '../../../../src/contracts/redis-keys.ts';
import { captureLog } from '../../../captured-log.ts';
import { until } from '../../../until.ts';
import { jobWrites } from './job-writes.ts';
import { newJob } from './new-job.ts';
import { openQueue } from './queue-around.ts';

const LOCK_MS = 7_000;

let around: Awaited<ReturnType<typeof openQueue>>;
let inHand: ActiveJob[];
let keeper: ReturnType<typeof createLockKeeper>;
let log: ReturnType<typeof captureLog>;
const batches = jest.fn((_batch: readonly JobToLock[]) => {});
beforeEach(async () => {
  around = await openQueue();
  inHand = [];
  log = captureLog();
  batches.mockClear();
  keeper = createLockKeeper({
    jobs: { [Symbol.iterator]: () => inHand[Symbol.iterator]() },
    lockJobs: (batch) => {
      batches(batch);
      return lockJobs(around.redis, around.toKey, batch, { token: 'this process', lockMs: LOCK_MS });
    },
    logger: log.logger,
  });
});
afterEach(async () => {
  keeper.stop();
  await around.close();
});

/** Adds jobs, and takes them. */
const take = async (...ids: string[]): Promise<ActiveJob[]> => {
  const { started } = await addJobs(around.queue, around.redis, ids.map(newJob), { attempts: 2, room: ids.length });
  expect(started).toHaveLength(ids.length);
  return started.map((taken) => new ActiveJob(taken, { locked: false, writes: jobWrites() }));
};
const lockOf = (id: string) => around.redis.get(around.toKey(`r-${id}:lock`));
const msLeft = (id: string) => around.redis.pttl(around.toKey(`r-${id}:lock`));

test('a job in hand is locked after a while, and its lock is renewed again and again', async () => {
  inHand = await take('a');
  expect(inHand[0]!.locked).toBe(false);
  keeper.start();
  await until('it is locked', () => lockOf('a'));
  expect(inHand[0]).toMatchObject({ locked: true, phase: 'held' });
  await around.redis.pexpire(around.toKey('r-a:lock'), LOCK_MS - 5_000);
  await until('its lock is renewed', async () => (await msLeft('a')) > LOCK_MS - 1_500);
});

test('a job whose work has ended is not locked any more', async () => {
  inHand = await take('a', 'leaving');
  inHand[1]!.phase = 'leaving';
  keeper.start();
  await until('the other is locked', () => lockOf('a'));
  expect(await lockOf('leaving')).toBeNull();
});

test('a job that another process has taken is lost: this is logged once, and the job is not locked again', async () => {
  inHand = await take('a', 'lost');
  await around.redis.hincrby(around.toKey('r-lost'), 'ats', 1);
  keeper.start();
  await until('it is known', () => inHand[1]!.phase === 'lost');
  await until('the other is renewed', () => batches.mock.calls.length >= 3);
  expect(batches.mock.calls.slice(1).flat(2)).not.toContain(inHand[1]);
  expect(log.said('jobs were lost')).toMatchObject([{ jobs: 1 }]);
});

test('a job that was cancelled without a notice is aborted', async () => {
  inHand = await take('a');
  await around.redis.set(redisKeys.cancelled(JOBS_PREFIX, 'r-a'), '1');
  keeper.start();
  await until('it is aborted', () => inHand[0]!.signal.aborted);
  expect(inHand[0]!.signal.reason?.code).toBe('request_cancelled');
});

test('locking jobs returns which are lost and which of these are gone; a cancelled one gives no warning', async () => {
  const jobs = await take('held', 'lost', 'gone', 'erased');
  await around.redis.hincrby(around.toKey('r-lost'), 'ats', 1);
  await around.redis.set(redisKeys.cancelled(JOBS_PREFIX, 'r-erased'), '1');
  await around.redis.del(around.toKey('r-gone'), around.toKey('r-erased'));
  const { lost, gone } = await keeper.lock(jobs);
  expect([...lost].sort()).toEqual(['r-erased', 'r-gone', 'r-lost']);
  expect([...gone].sort()).toEqual(['r-erased', 'r-gone']);
  expect(await lockOf('held')).toBe('this process');
  expect(log.said('jobs were lost')).toMatchObject([{ jobs: 2 }]);
});

test('many jobs are locked in batches, between which Redis can serve others', async () => {
  const ids = Array.from({ length: 450 }, (_, index) => `${index}`);
  const { lost } = await keeper.lock(await take(...ids));
  expect(lost.size).toBe(0);
  expect(batches.mock.calls.map(([batch]) => batch.length)).toEqual([200, 200, 50]);
  expect(await around.redis.exists(...ids.map((id) => around.toKey(`r-${id}:lock`)))).toBe(450);
});
