import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs, type ChatQueue, type NewJob, openChatQueue } from '../../../src/adapters/jobs/job-queue.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../../src/contracts/queues.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
let queue: ChatQueue;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  queue = openChatQueue(redis);
});
afterAll(async () => {
  await queue.close();
  redis.disconnect();
});
beforeEach(() => redis.flushdb());

const job = (
  userId: string,
  priority: 'interactive' | 'batch' = 'interactive',
  requestId: string = randomUUID(),
): NewJob => ({
  request: {
    version: 1,
    requestId,
    sessionId: 's',
    userId,
    message: 'm',
    context: [],
    cache: true,
    priority,
  },
  traceparent: '00-0-0-00',
  receivedAt: new Date().toISOString(),
});
const add = (jobs: NewJob[]) => addJobs(queue, redis, jobs, { attempts: 1 });
const burst = (userId: string, count: number, priority?: 'batch') =>
  Array.from({ length: count }, () => job(userId, priority));

/** The users of the first `count` jobs, in the order in which they are taken. */
async function served(count: number): Promise<string[]> {
  const users: string[] = [];
  const connection = redis.duplicate();
  const worker = new Worker(JOBS_QUEUE, undefined, { connection, prefix: JOBS_PREFIX, autorun: false });
  for (let i = 0; i < count; i++) {
    const taken = await worker.getNextJob('token');
    if (!taken) break;
    users.push(taken.data.request.userId);
    await taken.moveToCompleted('done', 'token', false);
  }
  await worker.close();
  connection.disconnect();
  return users;
}

test('one user’s burst of 10,000 does not hold up another’s single question', async () => {
  for (let i = 0; i < 10; i++) await add(burst('busy', 1_000));
  await served(100);
  await add([job('other')]);
  expect((await served(3)).includes('other')).toBe(true);
}, 120_000);

test('users with bursts are served in turn', async () => {
  await add([...burst('a', 20), ...burst('b', 20), ...burst('c', 20)]);
  const users = await served(30);
  for (const user of ['a', 'b', 'c']) expect(users.filter((served) => served === user)).toHaveLength(10);
});

test('who has been quiet does not save up turns', async () => {
  await add(burst('a', 50));
  await served(40);
  await add(burst('b', 50));
  const users = await served(20);
  expect(users.filter((user) => user === 'b')).toHaveLength(10);
});

test('batch requests come after all interactive ones, also those that come later', async () => {
  await add(burst('batch', 5, 'batch'));
  await add(burst('person', 5));
  expect(await served(10)).toEqual([...Array(5).fill('person'), ...Array(5).fill('batch')]);
});

test('a request that is added twice is one job', async () => {
  const twice = job('a', 'interactive', 'the:same id');
  await add([twice, twice]);
  await add([twice]);
  expect(await queue.getJobCountByTypes('prioritized', 'wait')).toBe(1);
  expect(await queue.getJob(jobIdOf('the:same id'))).toBeDefined();
});
