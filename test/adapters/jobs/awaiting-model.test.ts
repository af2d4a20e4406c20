import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createJobsAwaitingModel } from '../../../src/adapters/jobs/awaiting-model.ts';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { AWAITING_MODEL_FIELD, awaitingModelOf } from '../../../src/adapters/jobs/redis-scripts/bullmq-layout.ts';
import { returnAwaitingModel } from '../../../src/adapters/jobs/redis-scripts/return-awaiting-model.ts';
import { until } from '../../until.ts';
import { newJob } from './runner/new-job.ts';
import { openQueue } from './runner/queue-around.ts';

const HOUR = 3_600_000;

let around: Awaited<ReturnType<typeof openQueue>>;
beforeAll(async () => {
  around = await openQueue();
});
beforeEach(() => around.redis.flushdb());
afterAll(() => around.close());

/** Adds jobs that are delayed for about an hour, because of a model, the standard one or another, or not. */
async function delayed(ids: string[], field = awaitingModelOf('')): Promise<void> {
  const { queue, redis, toKey } = around;
  const { started } = await addJobs(queue, redis, ids.map(newJob), { attempts: 3, room: ids.length });
  const write = redis.pipeline();
  for (const { jobId } of started) write.set(toKey(`${jobId}:lock`), 'token');
  await write.exec();
  for (const { jobId } of started) {
    await queue.getBackend().moveToDelayed(jobId, Date.now(), HOUR, 'token', {
      skipAttempt: true,
      fieldsToUpdate: { user: 'u', [AWAITING_MODEL_FIELD]: field },
    });
  }
}

const counts = () => around.queue.getJobCounts('prioritized', 'delayed', 'active');
const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const BACKOFF = awaitingModelOf(undefined);
const worker = (mayAsk = () => true) => workerFor(() => (mayAsk() ? [''] : []));
const workerFor = (askable: () => string[]) => {
  const { redis, shards } = around;
  return createJobsAwaitingModel({ redis, shards, askable });
};

test('when a model may be asked again, all requests that wait for it are in line once, and others wait for their time', async () => {
  await delayed(names('model', 300));
  await delayed(names('backoff', 30), BACKOFF);
  let mayAsk = false;
  const workers = [worker(() => mayAsk), worker(() => mayAsk)];
  for (const each of workers) each.start();
  expect(await counts()).toMatchObject({ prioritized: 0, delayed: 330 });
  mayAsk = true;
  for (const each of workers) each.gateOpened();
  await until('they are in line', async () => (await counts()).prioritized === 300);
  expect(await counts()).toEqual({ prioritized: 300, delayed: 30, active: 0 });
  const left = await around.redis.zrange(around.toKey('delayed'), '0', '-1');
  expect(left.sort()).toEqual(names('backoff', 30).map(jobIdOf).sort());
  expect(await around.redis.hmget(around.toKey(jobIdOf('model0')), 'atm', 'delay')).toEqual([null, '0']);
  for (const each of workers) each.stop();
});

test('a provider that fails again at once is sent a few requests only, and the others stay where they are', async () => {
  await delayed(names('model', 100));
  let asked = 0;
  const one = worker(() => asked++ < 2);
  one.start();
  await until('it stops', () => asked >= 3);
  expect(await counts()).toMatchObject({ prioritized: 10, delayed: 90 });
  one.stop();
});

test('a gate that opens puts back only those that wait for its model, and those of which an earlier version has not noted the model', async () => {
  await delayed(names('standard', 5));
  await delayed(names('large', 5), awaitingModelOf('large'));
  await delayed(['unknown'], '1');
  const one = workerFor(() => ['large']);
  one.start();
  await until('they are in line', async () => (await counts()).prioritized === 6);
  await until('the round is over', async () => !(await around.redis.exists(around.toKey('awaiting-model-turn'))));
  one.gateOpened();
  one.stop();
  const left = await around.redis.zrange(around.toKey('delayed'), '0', '-1');
  expect(left.sort()).toEqual(names('standard', 5).map(jobIdOf).sort());
});

test('jobs delayed while others are put back come back too, and so do jobs of a worker that has just started', async () => {
  await delayed(names('early', 20));
  const one = worker();
  one.start();
  await until('the first are in line', async () => ((await counts()).prioritized ?? 0) > 0);
  await delayed(['late']);
  one.look();
  await until('all are in line', async () => (await counts()).prioritized === 21);
  await delayed(['later']);
  one.look();
  await until('all are in line', async () => (await counts()).prioritized === 22);
  one.stop();
});

test('one call looks at a bounded number of jobs, and workers that come within the same turn put none back', async () => {
  const { redis, toKey } = around;
  await delayed(names('backoff', 520), BACKOFF);
  await delayed(names('model', 7));
  const options = { models: [''], most: 5, turnMs: 60_000 };
  const first = await returnAwaitingModel(redis, toKey, options);
  expect(first).toMatchObject({ returned: 0, next: expect.stringMatching(/^\d+$/) });
  const second = await returnAwaitingModel(redis, toKey, { ...options, after: first?.next });
  expect(second).toMatchObject({ returned: 5, next: expect.stringMatching(/^\d+$/) });
  expect(await returnAwaitingModel(redis, toKey, { ...options, after: second?.next })).toBeUndefined();
  await redis.del(toKey('awaiting-model-turn'));
  const last = await returnAwaitingModel(redis, toKey, { ...options, after: second?.next });
  expect(last).toEqual({ returned: 2, next: undefined });
});
