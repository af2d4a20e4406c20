import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type BackendFactory, createRedisBackend, Job, type RedisQueueBackend, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { createBatchingBackend } from '../../../src/adapters/jobs/batching-backend.ts';
import type { ChatJobData, ChatJobResult } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs, type ChatQueue, type NewJob, openChatQueue } from '../../../src/adapters/jobs/job-queue.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../../src/contracts/queues.ts';
import { testRedisUrl } from '../../services.ts';

const LOCK_MS = 30_000;
const KEPT = { count: 3, ageMs: 3_600_000 };

let redis: Redis;
let queue: ChatQueue;
const connections: Redis[] = [];
beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
});
beforeEach(async () => {
  await redis.flushdb();
  queue = openChatQueue(redis);
});
afterEach(() => queue.close());
afterAll(() => {
  for (const connection of [redis, ...connections]) connection.disconnect();
});

const job = (requestId: string): NewJob => ({
  request: {
    version: 1,
    requestId,
    sessionId: 's',
    userId: 'u',
    message: 'm',
    context: [],
    cache: true,
    priority: 'interactive',
  },
  traceparent: '00-0-0-00',
  receivedAt: '2026-01-01T00:00:00.000Z',
});
const result = { status: 'completed' } as ChatJobResult;

const batching = () =>
  createBatchingBackend({ redis, lockMs: LOCK_MS, completedJobsKept: KEPT.count, completedJobsAgeMs: KEPT.ageMs });

function openWorker(backend: BackendFactory<RedisQueueBackend>) {
  const connection = redis.duplicate();
  connections.push(connection);
  const { Worker } = withBackend(backend);
  return new Worker<ChatJobData, ChatJobResult>(JOBS_QUEUE, async () => result, {
    connection,
    prefix: JOBS_PREFIX,
    autorun: false,
    lockDuration: LOCK_MS,
    removeOnComplete: { count: KEPT.count, age: KEPT.ageMs / 1000 },
  });
}

/** All that is in Redis but BullMQ's event stream, with times told apart only as being there. */
async function dump(): Promise<Record<string, unknown>> {
  const contents: Record<string, unknown> = {};
  for (const key of (await redis.keys('*')).sort()) {
    const type = await redis.type(key);
    if (type === 'hash') contents[key] = await redis.hgetall(key);
    if (type === 'list') contents[key] = await redis.lrange(key, 0, -1);
    if (type === 'set') contents[key] = (await redis.smembers(key)).sort();
    if (type === 'string') contents[key] = await redis.get(key);
    if (type === 'zset') contents[key] = (await redis.zrange(key, '0', '-1', 'WITHSCORES')).sort();
  }
  return JSON.parse(JSON.stringify(contents).replaceAll(/"1[78]\d{11}"/g, '"time"'));
}

/** Takes a job and completes it with the next one taken, until there is none; looks at what is there at each point. */
async function workThrough(backend: BackendFactory<RedisQueueBackend>) {
  const worker = openWorker(backend);
  const seen: unknown[] = [];
  const order: string[] = [];
  let current: Job<ChatJobData, ChatJobResult> | undefined = await worker.getNextJob('token', { block: false });
  while (current) {
    order.push(current.id!);
    seen.push(await dump());
    const next = (await current.moveToCompleted(result, 'token', true)) as [object | null, string];
    seen.push({ next: next?.[0] ? next : 'none' });
    current = next?.[0] ? await Job.fromId(worker, next[1]) : undefined;
  }
  seen.push(await dump());
  await worker.close();
  return { order, seen };
}

const withoutTimes = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(/1[78]\d{11}/g, '0'));

test('a queue is worked through as BullMQ itself does, and Redis has the same in it at each point', async () => {
  const runs = [];
  for (const backend of [createRedisBackend, batching()]) {
    await redis.flushdb();
    queue = openChatQueue(redis);
    await queue.waitUntilReady();
    await addJobs(queue, redis, ['a', 'b', 'c', 'd', 'e'].map(job), { attempts: 3, fsync: false });
    runs.push(withoutTimes(await workThrough(backend)));
    await queue.close();
  }
  expect(runs[0].order).toHaveLength(5);
  expect(runs[1]).toEqual(runs[0]);
});

test('jobs are added as BullMQ itself adds them', async () => {
  const dumps = [];
  for (const add of [
    () =>
      queue.addBulk(
        ['a', 'b'].map((id, index) => ({
          name: JOBS_QUEUE,
          data: job(id),
          opts: {
            jobId: `r-${id}`,
            priority: index + 1,
            attempts: 3,
            backoff: { type: 'custom' },
            stackTraceLimit: 3,
          },
        })),
      ),
    () => addJobs(queue, redis, ['a', 'b'].map(job), { attempts: 3, fsync: false }),
  ]) {
    await redis.flushdb();
    queue = openChatQueue(redis);
    await queue.waitUntilReady();
    await add();
    const { [`${JOBS_PREFIX}:${JOBS_QUEUE}:next-tags`]: _tags, ...contents } = await dump();
    for (const fields of Object.values(contents) as Record<string, unknown>[]) {
      // BullMQ repeats the id in the options.
      if (fields.opts) fields.opts = { ...JSON.parse(String(fields.opts)), jobId: undefined };
    }
    dumps.push(withoutTimes(contents));
    await queue.close();
  }
  expect(dumps[1]).toEqual(dumps[0]);
});

describe('a job that is completed', () => {
  const complete = async (token: string, prepare: (id: string) => Promise<unknown>) => {
    await addJobs(queue, redis, [job('a')], { attempts: 3, fsync: false });
    const worker = openWorker(batching());
    const taken = (await worker.getNextJob('mine', { block: false }))!;
    await prepare(taken.id!);
    const outcome = await taken.moveToCompleted(result, token, true).then(
      () => 'completed',
      (error: Error) => error.message,
    );
    await worker.close();
    return { outcome, state: await queue.getJobState('r-a') };
  };

  test('under another’s lock is refused, and stays as it is', async () => {
    const { outcome, state } = await complete('other', async () => {});
    expect(outcome).toMatch(/Lock mismatch|not owned/i);
    expect(state).toBe('active');
  });

  test('after its lock has run out is refused', async () => {
    const { outcome } = await complete('mine', (id) => redis.del(queue.toKey(`${id}:lock`)));
    expect(outcome).toMatch(/Missing lock/);
  });

  test('after it was removed is refused', async () => {
    const { outcome } = await complete('mine', async (id) => redis.del(queue.toKey(id), queue.toKey(`${id}:lock`)));
    expect(outcome).toMatch(/Missing key/);
  });
});

test.each([
  ['paused', () => queue.pause()],
  ['limited', () => queue.setGlobalConcurrency(1)],
])('while the queue is %s, no job is taken with the completion of another', async (_, limit) => {
  await addJobs(queue, redis, ['a', 'b'].map(job), { attempts: 3, fsync: false });
  const worker = openWorker(batching());
  const taken = (await worker.getNextJob('mine', { block: false }))!;
  await limit();
  expect(await taken.moveToCompleted(result, 'mine', true)).toBeUndefined();
  expect(await queue.getActiveCount()).toBe(0);
  await worker.close();
});

test('completions that come together are one command for Redis, and take as many jobs', async () => {
  await addJobs(
    queue,
    redis,
    Array.from({ length: 20 }, (_, i) => job(`j-${i}`)),
    { attempts: 3, fsync: false },
  );
  const worker = openWorker(batching());
  const taken = [];
  for (let i = 0; i < 10; i++) taken.push((await worker.getNextJob(`t-${i}`, { block: false }))!);
  const calls = jest.spyOn(redis, 'evalsha');
  const next = await Promise.all(taken.map((each, i) => each.moveToCompleted(result, `t-${i}`, true)));
  expect(calls).toHaveBeenCalledTimes(1);
  calls.mockRestore();
  expect(new Set(next.map((tuple) => (tuple as [object, string])[1])).size).toBe(10);
  await worker.close();
});
