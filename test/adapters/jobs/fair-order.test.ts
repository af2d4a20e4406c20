import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs, type NewJob, promoteJobs, returnJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, type JobShards, openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { handBackJob } from '../../../src/adapters/jobs/redis-scripts/hand-back-job.ts';
import { type Completion, settleJobs } from '../../../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../../src/contracts/queues.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
let shards: JobShards;
let queue: ChatQueue;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  shards = openJobShards(redis, 1);
  ({ queue } = shards.all[0]!);
});
afterAll(async () => {
  await shards.close();
  redis.disconnect();
});
beforeEach(() => redis.flushdb());

const toKey = (type: string) => queue.toKey(type);
const settle = (completions: Completion[], room: number) =>
  settleJobs(redis, toKey, completions, {
    ...{ now: Date.now(), kept: 0, keepsText: false, rememberMs: 3_600_000, room },
  });
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
});

test('users with bursts are served in turn', async () => {
  await add([...burst('a', 20), ...burst('b', 20), ...burst('c', 20)]);
  const users = await served(30);
  for (const user of ['a', 'b', 'c']) expect(users.filter((served) => served === user)).toHaveLength(10);
});

test('a user who has asked nothing for a while does not save up turns', async () => {
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

/** Takes jobs as a worker does, and returns their ids. */
async function take(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { taken } = await settle([], 1);
    ids.push(...taken.map(({ jobId }) => jobId));
  }
  return ids;
}

const userOf = async (id: string): Promise<string> => (await queue.getJob(id))!.data.request.userId;

/** The users of the next jobs, in the order in which a worker of ours takes them. */
const taken = async (count: number) => {
  const ids = await take(count);
  return await Promise.all(ids.map(userOf));
};

/** Delays jobs, as the worker does that has them in hand. */
async function delay(ids: string[], ms: number): Promise<void> {
  for (const id of ids) {
    await redis.set(queue.toKey(`${id}:lock`), 'token');
    await queue.getBackend().moveToDelayed(id, Date.now(), ms, 'token', {
      skipAttempt: true,
      fieldsToUpdate: { user: await userOf(id) },
    });
  }
}

const untilDue = () => sleep(60);
const retryByOperator = async (ids: string[]) => {
  for (const id of ids) {
    await redis.hset(queue.toKey(id), 'user', await userOf(id));
    await redis.multi().lrem(queue.toKey('active'), 1, id).zadd(queue.toKey('failed'), Date.now(), id).exec();
  }
  expect(await returnJobs(queue, redis, 'failed', ids)).toBe(ids.length);
};
const handBack = async (ids: string[]) => {
  for (const id of ids)
    expect(await handBackJob(redis, toKey, { id, attemptsStarted: 1, user: await userOf(id) })).toBe('moved');
};
const promote = async (ids: string[]) => {
  await delay(ids, 60_000);
  await promoteJobs(
    shards,
    redis,
    ids.map((id) => id.slice('r-'.length)),
  );
};
const comeDue = async (ids: string[]) => {
  await delay(ids, 20);
  await untilDue();
};

describe.each([
  ['was delayed and is due', comeDue],
  ['was delayed and is woken', promote],
  ['is handed back', handBack],
  ['is retried by an operator', retryByOperator],
])('a job that %s', (_, comeBack) => {
  test('goes before the newer jobs of a user with many', async () => {
    await add(burst('quiet', 60));
    const ids = await take(60);
    // The line has started again.
    await add(burst('heavy', 30));
    await comeBack(ids.slice(-1));
    expect((await taken(2)).includes('quiet')).toBe(true);
  });

  test('does not move the head of the line back: jobs that come then take turns with those that wait', async () => {
    await add(burst('heavy', 100));
    const ids = await take(50);
    await comeBack(ids.slice(0, 1));
    await add(burst('new', 20));
    const newOnes = (await taken(21)).filter((user) => user === 'new');
    expect(newOnes.length).toBeGreaterThanOrEqual(9);
    expect(newOnes.length).toBeLessThanOrEqual(11);
  });

  test('takes turns with the others, when many of one user come back at once', async () => {
    await add(burst('heavy', 40));
    const heavy = await take(40);
    await add([job('single')]);
    const single = await take(1);
    await add(burst('waiting', 10));
    await comeBack([...heavy, ...single]);
    const users = await taken(20);
    expect(users.slice(0, 3).includes('single')).toBe(true);
    expect(users.filter((user) => user === 'waiting').length).toBeGreaterThanOrEqual(9);
  });

  test('goes before the user’s newer ones, and stays a batch request if it was one', async () => {
    await add([...burst('a', 3, 'batch'), ...burst('b', 3, 'batch')]);
    const ids = await take(4);
    await add([...burst('a', 3, 'batch'), job('person')]);
    await comeBack(ids.slice(0, 1));
    const [first, second] = await take(2);
    expect(await userOf(first!)).toBe('person');
    expect(second).toBe(ids[0]);
  });
});

test('a job that BullMQ itself puts back at its old place does not bring the head of the line back', async () => {
  await add(burst('heavy', 100));
  const [first] = await take(50);
  await delay([first!], 60_000);
  await queue.getBackend().promote(first!);
  await add(burst('new', 20));
  expect((await taken(21)).filter((user) => user === 'new').length).toBeLessThanOrEqual(11);
});

test('a job whose process died is taken first', async () => {
  await add(burst('heavy', 20));
  const [lost] = await take(1);
  const worker = new Worker(JOBS_QUEUE, undefined, { connection: redis, prefix: JOBS_PREFIX, autorun: false });
  for (let check = 0; check < 2; check += 1) {
    await redis.del(queue.toKey('stalled-check'));
    await worker.getBackend().moveStalledJobsToWait();
  }
  expect((await worker.getNextJob('token'))?.id).toBe(lost);
  await worker.close();
});

test('a request that is added twice is one job', async () => {
  const twice = job('a', 'interactive', 'the:same id');
  await add([twice, twice]);
  await add([twice]);
  expect(await queue.getJobCountByTypes('prioritized', 'wait')).toBe(1);
  expect(await queue.getJob(jobIdOf('the:same id'))).toBeDefined();
});
