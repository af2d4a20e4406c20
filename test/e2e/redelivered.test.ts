import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobIdOf } from '../../src/adapters/jobs/chat-job.ts';
import { type ChatQueue, openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { JOBS_PREFIX } from '../../src/contracts/queues.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import type { QueueClient } from '../queue-client.ts';
import type { TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const MARKER = 'marker-of-a-text';

let simulator: TestSimulator;
let client: QueueClient;
let redis: Redis;
let queue: ChatQueue;

beforeAll(async () => {
  const started = await startAnsweringWorker({
    CACHE_ENABLED: 'false',
    COMPLETED_JOBS_KEPT: '2',
    FAILED_JOBS_KEPT: '2',
    RETRY_BASE: '10ms',
  });
  ({ simulator, client } = started);
  redis = new Redis(started.redisUrl);
  queue = openChatQueue(redis);
});
afterAll(async () => {
  await queue?.close();
  redis?.disconnect();
});

const request = (message: string) => ({
  ...{ requestId: randomUUID(), sessionId: 's', userId: 'u', message: `${message} ${MARKER}` },
});

/** Sends the requests again, and one more, whose answer says that the others have been seen by then. */
async function sendAgain(...requests: object[]): Promise<void> {
  const last = request('And now?');
  await client.ask(...requests, last);
  await client.responseTo(last.requestId);
  await until('nobody works any more', async () => {
    const { wait, prioritized, delayed, active } = await queue.getJobCounts();
    return (wait ?? 0) + (prioritized ?? 0) + (delayed ?? 0) + (active ?? 0) === 0;
  });
}

test('requests that are finished, failed or cancelled are neither asked nor answered again, though their jobs are gone', async () => {
  const good = Array.from({ length: 5 }, (_, index) => request(`Question ${index}`));
  const bad = Array.from({ length: 3 }, (_, index) => request(`[[simulate status=400]] Question ${index}`));
  const cancelled = request('Never mind');
  await redis.set(redisKeys.cancelled(JOBS_PREFIX, jobIdOf(cancelled.requestId)), '1');
  const all = [...good, ...bad, cancelled];
  for (const each of all) {
    await client.ask(each);
    await client.responseTo(each.requestId);
  }
  const statuses = client.responses.map(({ status }) => status);
  expect(statuses).toEqual([...Array(5).fill('completed'), ...Array(3).fill('failed'), 'cancelled']);
  await until('most jobs are gone', async () => {
    const counts = await queue.getJobCounts();
    return counts.completed === 2 && counts.failed === 2;
  });
  const calls = (await simulator.calls()).length;
  // The cancellation itself is forgotten.
  await redis.del(redisKeys.cancelled(JOBS_PREFIX, jobIdOf(cancelled.requestId)));
  await queue.clean(0, 100, 'completed');
  await queue.clean(0, 100, 'failed');

  await sendAgain(...all);
  expect(client.responses).toHaveLength(all.length + 1);
  expect((await simulator.calls()).length).toBe(calls + 1);
});

test('a request that had failed, but was cancelled or erased before its user was told, leaves no text in a failed job', async () => {
  const erased = request('Forget this');
  const jobId = jobIdOf(erased.requestId);
  await queue.pause();
  await client.ask(erased);
  await until('it waits', async () => (await redis.exists(queue.toKey(jobId))) === 1);
  const failure = { code: 'model_rejected', cause: MARKER };
  const state = { step: 'ask-model', attempt: 1, steps: [], results: {}, crashes: 0, failure };
  await redis.hset(queue.toKey(jobId), 'progress', JSON.stringify(state));
  await redis.set(redisKeys.cancelled(JOBS_PREFIX, jobId), '1');
  await queue.resume();
  expect(await client.responseTo(erased.requestId)).toMatchObject({ status: 'cancelled' });
  await until('it is finished', async () => (await queue.getJobState(jobId)) === 'completed');
  expect(JSON.stringify(await redis.hgetall(queue.toKey(jobId)))).not.toContain(MARKER);
});

test('no text of a finished request is left in its job', async () => {
  const [done] = [request('Is water healthy?')];
  await client.ask(done);
  await client.responseTo(done.requestId);
  await until('it is finished', async () => (await queue.getJobState(jobIdOf(done.requestId))) === 'completed');
  const fields = await redis.hgetall(queue.toKey(jobIdOf(done.requestId)));
  expect(JSON.stringify(fields)).not.toContain(MARKER);
  expect(JSON.parse(fields.returnvalue!)).toMatchObject({ sessionId: 's', userId: 'u', status: 'completed' });
});
