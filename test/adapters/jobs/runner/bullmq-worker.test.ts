import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { addJobs } from '../../../../src/adapters/jobs/job-queue.ts';
import { openBullMqWorker } from '../../../../src/adapters/jobs/runner/bullmq-worker.ts';
import { JOBS_PREFIX } from '../../../../src/contracts/queues.ts';
import { redisKeys } from '../../../../src/contracts/redis-keys.ts';
import { captureLog } from '../../../captured-log.ts';
import { newJob } from './new-job.ts';
import { openQueue } from './queue-around.ts';

/** Longer than the test may take, so that the awaited event must come by itself. */
const VERY_LONG_MS = 600_000;

let around: Awaited<ReturnType<typeof openQueue>>;
let worker: ReturnType<typeof openBullMqWorker>;
beforeEach(async () => {
  around = await openQueue();
  worker = openBullMqWorker({
    ...{ redis: around.redis, shard: around.shards.all[0]! },
    ...{ token: 'this process', logger: captureLog().logger },
  });
});
afterEach(async () => {
  await worker.close();
  await around.close();
});

const add = (...ids: string[]) => addJobs(around.queue, around.redis, ids.map(newJob), { attempts: 2 });

test('a job is taken as it was added, and is locked', async () => {
  const { redis, toKey } = around;
  await add('a');
  expect(await worker.takeOne()).toEqual({
    job: {
      jobId: 'r-a',
      data: JSON.stringify({ version: 1, ...newJob('a') }),
      options: expect.stringContaining('"attempts":2'),
      attemptsMade: 0,
      attemptsStarted: 1,
      crashes: 0,
      progress: '',
      cancelled: false,
    },
  });
  expect(await redis.get(toKey('r-a:lock'))).toBe('this process');
});

test('a job whose user has cancelled it is taken as cancelled', async () => {
  await add('a');
  await around.redis.set(redisKeys.cancelled(JOBS_PREFIX, 'r-a'), '1');
  expect(await worker.takeOne()).toMatchObject({ job: { jobId: 'r-a', cancelled: true } });
});

test('if no job can be taken, it says when to look again, if that is known', async () => {
  expect(await worker.takeOne()).toEqual({ dueAt: 0 });
  await add('a');
  await around.queue.pause();
  expect(await worker.takeOne()).toEqual({ dueAt: 0 });
  await around.queue.resume();
  const dueAt = Date.now() + VERY_LONG_MS;
  await worker.takeOne();
  await worker.backend.moveToDelayed('r-a', Date.now(), VERY_LONG_MS, 'this process');
  const found = await worker.takeOne();
  expect(found).toEqual({ dueAt: expect.any(Number) });
  expect('dueAt' in found && found.dueAt).toBeGreaterThanOrEqual(dueAt);
});

test('waiting for a job ends as soon as one is added, or when a sign is passed on', async () => {
  const waiting = worker.waitForSign(VERY_LONG_MS);
  await around.processesWait(1);
  await add('a');
  expect(await waiting).toBe(0);
  const again = worker.waitForSign(VERY_LONG_MS);
  await around.processesWait(1);
  await worker.passSignOn();
  expect(await again).toBe(0);
});

test('waiting for a job ends without one after the time, or when the process stops', async () => {
  expect(await worker.waitForSign(1)).toBeUndefined();
  const waiting = worker.waitForSign(VERY_LONG_MS).catch(() => undefined);
  await around.processesWait(1);
  await worker.stopWaiting();
  expect(await waiting).toBeUndefined();
});

test('the job of a process that died stands in line again at the second check that sees it without a lock', async () => {
  const { queue, redis, toKey } = around;
  await add('a');
  await worker.takeOne();
  await redis.del(toKey('r-a:lock'));
  await worker.takeUpStalled();
  expect(await queue.getJobState('r-a')).toBe('active');
  // All processes together make one check each interval; it is over.
  await redis.del(toKey('stalled-check'));
  await worker.takeUpStalled();
  expect(await queue.getJobState('r-a')).toBe('waiting');
});
