import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Job, type MinimalJob, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { ChatJobData } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs, type NewJob } from '../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, openChatQueue } from '../../../src/adapters/jobs/job-shards.ts';
import { appendEnded } from '../../../src/adapters/jobs/redis-scripts/append-ended.ts';
import {
  AWAITING_MODEL_FIELD,
  bullMqJobFields,
  bullMqJobKeys,
  bullMqKeys,
  bullMqMetaFields,
  leftToBullMq,
  ownJobKeys,
  ownKeys,
  USER_FIELD,
} from '../../../src/adapters/jobs/redis-scripts/bullmq-layout.ts';
import { claimRequests } from '../../../src/adapters/jobs/redis-scripts/claim-requests.ts';
import { forgetJobs } from '../../../src/adapters/jobs/redis-scripts/forget-jobs.ts';
import { handBackJob } from '../../../src/adapters/jobs/redis-scripts/hand-back-job.ts';
import { lockJobs } from '../../../src/adapters/jobs/redis-scripts/lock-jobs.ts';
import { returnAwaitingModel } from '../../../src/adapters/jobs/redis-scripts/return-awaiting-model.ts';
import { returnJobs } from '../../../src/adapters/jobs/redis-scripts/return-jobs.ts';
import { saveJobs } from '../../../src/adapters/jobs/redis-scripts/save-jobs.ts';
import { type Completion, settleJobs } from '../../../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import type { TakenJob } from '../../../src/adapters/jobs/redis-scripts/taken-job.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../../src/contracts/queues.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { newJob } from './runner/new-job.ts';

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
  await queue.waitUntilReady();
});
afterEach(() => queue.close());
afterAll(() => {
  for (const connection of [redis, ...connections]) connection.disconnect();
});

const jobs = (...ids: string[]) => ids.map((id) => newJob(id));
const add = (added: NewJob[], room = 0) => addJobs(queue, redis, added, { attempts: 3, room });
const toKey = (type: string) => queue.toKey(type);
const settle = (completions: Completion[], room: number, { keepsText = false } = {}) =>
  settleJobs(redis, toKey, completions, {
    now: Date.now(),
    kept: KEPT.count,
    keepsText,
    rememberMs: 3_600_000,
    room,
  });
const completionOf = ({ jobId, attemptsStarted }: TakenJob): Completion => ({
  jobId,
  attemptsStarted,
  attemptsMade: 1,
  locked: false,
  returnValue: '"done"',
});
const lock = (jobs: TakenJob[]) =>
  lockJobs(
    redis,
    toKey,
    jobs.map(({ jobId, ...rest }) => ({ id: jobId, ...rest })),
    { token: 'token', lockMs: LOCK_MS },
  );

function openWorker() {
  const connection = redis.duplicate();
  connections.push(connection);
  return new Worker<ChatJobData, string>(JOBS_QUEUE, undefined, {
    connection,
    prefix: JOBS_PREFIX,
    autorun: false,
    lockDuration: LOCK_MS,
    removeOnComplete: { count: KEPT.count, age: KEPT.ageMs / 1000 },
  });
}

/**
 * All that is in Redis but BullMQ's event stream, the sign to those that wait, which we leave out where no job is left,
 * our own places in line, what is remembered of finished requests, and locks, which we take later; with
 * times told apart only as being there.
 */
async function dump(): Promise<Record<string, unknown>> {
  const contents: Record<string, unknown> = {};
  for (const key of (await redis.keys('*')).sort()) {
    if (/:(marker|next-tags|lock)$|:finished/.test(key)) continue;
    const type = await redis.type(key);
    if (type === 'hash') contents[key] = await redis.hgetall(key);
    if (type === 'list') contents[key] = await redis.lrange(key, 0, -1);
    if (type === 'set') contents[key] = (await redis.smembers(key)).sort();
    if (type === 'string') contents[key] = await redis.get(key);
    if (type === 'zset') contents[key] = (await redis.zrange(key, '0', '-1', 'WITHSCORES')).sort();
  }
  return JSON.parse(JSON.stringify(contents).replaceAll(/"1[78]\d{11}"/g, '"time"'));
}

test('a queue is worked through as BullMQ itself does, and Redis has the same in it at each point', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const seen = { bullMq: [] as unknown[], ours: [] as unknown[] };

  await add(jobs(...ids));
  const worker = openWorker();
  let current: Job<ChatJobData, string> | undefined = await worker.getNextJob('token', { block: false });
  while (current) {
    seen.bullMq.push(await dump());
    const next = (await current.moveToCompleted('done', 'token', true)) as [object | null, string];
    current = next?.[0] ? await Job.fromId(worker, next[1]) : undefined;
  }
  seen.bullMq.push(await dump());
  await worker.close();

  await redis.flushdb();
  await queue.close();
  queue = openChatQueue(redis);
  await queue.waitUntilReady();
  await add(jobs(...ids));
  const keepsText = true;
  for (
    let { taken } = await settle([], 1);
    taken.length > 0;
    { taken } = await settle(taken.map(completionOf), 1, { keepsText })
  ) {
    seen.ours.push(await dump());
  }
  seen.ours.push(await dump());

  expect(seen.bullMq).toHaveLength(6);
  expect(seen.ours).toEqual(seen.bullMq);
});

test('jobs are added as BullMQ itself adds them', async () => {
  const dumps = [];
  for (const addBoth of [
    () =>
      queue.addBulk(
        ['a', 'b'].map((id, index) => ({
          name: JOBS_QUEUE,
          data: { version: 1, ...newJob(id) },
          opts: {
            jobId: `r-${id}`,
            priority: index + 1,
            attempts: 3,
            backoff: { type: 'custom' },
            stackTraceLimit: 3,
          },
        })),
      ),
    () => add(jobs('a', 'b')),
  ]) {
    await redis.flushdb();
    await queue.close();
    queue = openChatQueue(redis);
    await queue.waitUntilReady();
    await addBoth();
    const contents = await dump();
    for (const fields of Object.values(contents) as Record<string, unknown>[]) {
      // BullMQ repeats the id in the options.
      if (fields.opts) fields.opts = { ...JSON.parse(String(fields.opts)), jobId: undefined };
    }
    dumps.push(contents);
  }
  expect(dumps[1]).toEqual(dumps[0]);
});

test('whatever our scripts and BullMQ’s do with jobs, Redis has in it what is listed, and no other key or field', async () => {
  const found = { keys: new Set<string>(), jobKeys: new Set<string>(), jobFields: new Set<string>() };
  const metaFields = new Set<string>();
  const look = async () => {
    for (const key of await redis.keys(`${toKey('')}*`)) {
      const [name = '', end] = key.slice(toKey('').length).split(':');
      if (!name.startsWith('r-')) found.keys.add(name);
      else if (end) found.jobKeys.add(end);
      else for (const field of await redis.hkeys(key)) found.jobFields.add(field);
    }
    for (const field of await redis.hkeys(toKey('meta'))) metaFields.add(field);
  };
  const worker = openWorker();
  const backend = worker.getBackend();
  const take = async (room: number) => {
    const { taken } = await settle([], room);
    await lock(taken);
    return taken;
  };

  await redis.set(redisKeys.cancelled(JOBS_PREFIX, 'r-a'), '1');
  await claimRequests(redis, toKey, [{ jobId: 'r-claimed', shard: 1 }], { rememberMs: 60_000 });
  await redis.sadd(toKey('erased-users'), 'somebody');
  await add(jobs('a', 'b', 'c', 'd', 'e', 'f'));
  const [a, b, c, d, e] = (await take(5)) as [TakenJob, TakenJob, TakenJob, TakenJob, TakenJob];
  await saveJobs(redis, [{ key: toKey('r-a'), attemptsStarted: 1, progress: '{}' }]);
  await look();
  await backend.addLog('r-b', 'a line', 5);
  await look();
  const failure = { failedReason: 'it failed', stacktrace: '["it failed"]', [USER_FIELD]: 'u' };
  await backend.moveToDelayed(b.jobId, Date.now(), 60_000, 'token', { fieldsToUpdate: failure });
  await look();
  await returnJobs(redis, toKey, 'delayed', [b.jobId]);
  await backend.moveToDelayed(e.jobId, Date.now(), 60_000, 'token', {
    fieldsToUpdate: { [AWAITING_MODEL_FIELD]: '1' },
  });
  await look();
  await returnAwaitingModel(redis, toKey, { models: [], most: 1, turnMs: 60_000 });
  await handBackJob(redis, toKey, { id: c.jobId, attemptsStarted: c.attemptsStarted, user: 'u' });
  await settle([completionOf(a)], 0);
  const limits = { kept: 10, ageMs: 60_000 };
  for (const state of ['completed', 'failed'] as const)
    await appendEnded(redis, toKey, state, [`${Date.now()} r-a\n`], limits);
  const failing = { id: d.jobId, opts: { attempts: 3 } } as MinimalJob;
  await backend.moveToFailed(failing, 'it failed', { count: 10 }, 'token', false, failure);
  await look();

  // Its worker dies over this one, and BullMQ gives it to another.
  const [dead] = (await settle([], 1)).taken;
  await worker.close();
  for (let check = 0; check < 2; check++) {
    await redis.del(toKey('stalled-check'));
    await backend.moveStalledJobsToWait();
    await look();
  }
  expect(await redis.hget(toKey(dead!.jobId), 'stc')).toBe('1');
  await queue.add('chat', newJob('without-priority'), { jobId: 'r-without-priority' });
  await queue.pause();
  await queue.setGlobalConcurrency(5);
  await queue.setGlobalRateLimit(5, 1_000);
  await look();
  await forgetJobs(redis, toKey, ['r-e'], { rememberMs: 1_000 });
  await look();

  const left = leftToBullMq;
  expect([...found.keys].sort()).toEqual(Object.keys({ ...bullMqKeys, ...ownKeys, events: left.keys.events }).sort());
  expect([...found.jobKeys].sort()).toEqual(Object.keys({ ...bullMqJobKeys, ...ownJobKeys }).sort());
  expect([...found.jobFields].sort()).toEqual(
    [...Object.keys(bullMqJobFields), AWAITING_MODEL_FIELD, USER_FIELD].sort(),
  );
  expect([...metaFields].sort()).toEqual(Object.keys({ ...bullMqMetaFields, ...left.metaFields }).sort());
});

describe('jobs for which there is room', () => {
  test('are as if they had been added and taken', async () => {
    await add(jobs('a', 'b'));
    const { taken } = await settle([], 2);
    const addedAndTaken = await dump();
    const counters = (contents: Record<string, unknown>) => ({ ...contents, [queue.toKey('pc')]: undefined });
    await redis.flushdb();
    await queue.close();
    queue = openChatQueue(redis);
    await queue.waitUntilReady();
    const added = await add(jobs('a', 'b'), 2);
    expect(added).toEqual({
      untaken: 0,
      started: taken.map(({ options: _, ...rest }) => expect.objectContaining(rest)),
      refused: [],
    });
    expect(counters(await dump())).toEqual(counters(addedAndTaken));
  });

  test('are put in line if another job waits', async () => {
    await add(jobs('first'));
    expect(await add(jobs('a'), 5)).toEqual({ untaken: 2, started: [], refused: [] });
    expect(await queue.getJobCounts('active', 'prioritized')).toEqual({ active: 0, prioritized: 2 });
  });

  test('are put in line if there is no room for all of them', async () => {
    expect(await add(jobs('a', 'b'), 1)).toEqual({ untaken: 2, started: [], refused: [] });
    expect(await queue.getJobCounts('active', 'prioritized')).toEqual({ active: 0, prioritized: 2 });
  });

  test.each([
    ['paused', () => queue.pause()],
    ['limited', () => queue.setGlobalConcurrency(1)],
  ])('go in line while the queue is %s', async (_, limit) => {
    await limit();
    expect(await add(jobs('a'), 5)).toEqual({ untaken: 1, started: [], refused: [] });
  });

  test('are not taken again when they come again, nor twice when they come twice', async () => {
    const first = await add(jobs('a', 'a', 'b'), 5);
    expect(first.started.map(({ jobId }) => jobId)).toEqual(['r-a', 'r-b']);
    expect((await add(jobs('a', 'b', 'c'), 5)).started.map(({ jobId }) => jobId)).toEqual(['r-c']);
    expect(await queue.getActiveCount()).toBe(3);
  });
});

describe('a job that is completed', () => {
  const complete = async (changed: Partial<Completion>, prepare: () => Promise<unknown> = async () => {}) => {
    await add(jobs('a'));
    const { taken } = await settle([], 1);
    await prepare();
    const { codes } = await settle([{ ...completionOf(taken[0]!), ...changed }], 0);
    return { codes, state: await queue.getJobState('r-a') };
  };

  test('by whoever took it last is completed', async () => {
    expect(await complete({})).toEqual({ codes: [0], state: 'completed' });
  });

  test('leaves no lock', async () => {
    await complete({ locked: true }, () => redis.set(queue.toKey('r-a:lock'), 'token'));
    expect(await redis.exists(queue.toKey('r-a:lock'))).toBe(0);
  });

  test('by whoever took it before is refused, and stays as it is', async () => {
    expect(await complete({ attemptsStarted: 0 })).toEqual({ codes: [-6], state: 'active' });
  });

  test('after it was given up as stalled is refused', async () => {
    expect(await complete({}, () => redis.lrem(queue.toKey('active'), 1, 'r-a'))).toMatchObject({ codes: [-3] });
  });

  test('after it was removed is refused', async () => {
    expect(await complete({}, () => redis.del(queue.toKey('r-a')))).toMatchObject({ codes: [-1] });
  });

  test('is completed even if another job of its batch is refused', async () => {
    await add(jobs('a', 'b', 'c'));
    const { taken } = await settle([], 3);
    await redis.hincrby(queue.toKey('r-b'), 'ats', 1);
    const { codes } = await settle(taken.map(completionOf), 0);
    expect(codes).toEqual([0, -6, 0]);
    expect(await queue.getJobCounts('active', 'completed')).toEqual({ active: 1, completed: 2 });
  });

  test('with many others is completed in whatever order they come, and those that stay in hand keep theirs', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `${i}`);
    await add(jobs(...ids));
    const { taken } = await settle([], ids.length);
    const inHand = await redis.lrange(queue.toKey('active'), 0, -1);
    const many = taken.filter((_, i) => i % 3 === 0).toReversed();
    const [lost, gone, givenUp, twice] = many as [TakenJob, TakenJob, TakenJob, TakenJob];
    await redis.hincrby(queue.toKey(lost.jobId), 'ats', 1);
    await redis.del(queue.toKey(gone.jobId));
    await redis.lrem(queue.toKey('active'), 1, givenUp.jobId);
    const { codes } = await settle([...many, twice].map(completionOf), 0);
    expect(codes).toEqual([-6, -1, -3, ...many.slice(3).map(() => 0), -3]);
    const left = new Set([...many.slice(3), givenUp].map(({ jobId }) => jobId));
    expect(await redis.lrange(queue.toKey('active'), 0, -1)).toEqual(inHand.filter((id) => !left.has(id)));
    expect(await redis.zcard(queue.toKey('completed'))).toBe(KEPT.count);
  });
});

describe('a job that is locked', () => {
  const lockAfter = async (prepare: (taken: TakenJob[]) => Promise<unknown>) => {
    await add(jobs('a', 'b'));
    const { taken } = await settle([], 2);
    await prepare(taken);
    return { ...(await lock(taken)), locks: (await redis.keys('*:lock')).length };
  };

  test('is safe from BullMQ’s check for stalled jobs, and one that is not is safe from the first only', async () => {
    const worker = openWorker();
    await add(jobs('a', 'b'));
    const { taken } = await settle([], 2);
    const check = async () => {
      await redis.del(queue.toKey('stalled-check'));
      return await worker.getBackend().moveStalledJobsToWait();
    };
    expect(await check()).toEqual([]);
    expect(await lock([taken[0]!])).toEqual({ lost: [], gone: [], cancelled: [] });
    expect(await check()).toEqual(['r-b']);
    expect(await queue.getJobCounts('active', 'prioritized', 'wait')).toMatchObject({ active: 1 });
    await worker.close();
  });

  test('is reported as lost if another worker has taken it', async () => {
    expect(await lockAfter(() => redis.hincrby(queue.toKey('r-a'), 'ats', 1))).toMatchObject({
      lost: ['r-a'],
      locks: 1,
    });
  });

  test('is reported as lost if it was given up as stalled', async () => {
    expect(await lockAfter(() => redis.hincrby(queue.toKey('r-a'), 'stc', 1))).toMatchObject({
      lost: ['r-a'],
      locks: 1,
    });
  });

  test('is reported as lost if it was finished or removed', async () => {
    const finish = (taken: TakenJob[]) =>
      Promise.all([settle([completionOf(taken[0]!)], 0), redis.del(queue.toKey('r-b'))]);
    expect(await lockAfter(finish)).toMatchObject({ lost: ['r-a'], gone: ['r-b'], locks: 0 });
  });
});

test('renewing the lock of a job reports that its user has cancelled it', async () => {
  await redis.set(redisKeys.cancelled(JOBS_PREFIX, 'r-b'), '1');
  const begun = await add(jobs('a', 'b'), 2);
  expect(await lock(begun.started)).toEqual({ lost: [], gone: [], cancelled: ['r-b'] });
});

test('taking a job reports that its user has cancelled it', async () => {
  for (const id of ['a', 'c']) await redis.set(redisKeys.cancelled(JOBS_PREFIX, `r-${id}`), '1');
  const begun = await add(jobs('a', 'b'), 2);
  expect(begun.started.map(({ cancelled }) => cancelled)).toEqual([true, false]);
  await add(jobs('c', 'd'));
  const { taken } = await settle([], 2);
  expect(taken.map(({ cancelled }) => cancelled)).toEqual([true, false]);
});

test.each([
  ['paused', () => queue.pause()],
  ['limited', () => queue.setGlobalConcurrency(1)],
  ['to see to a job without a priority', () => queue.add('chat', newJob('c'), { jobId: 'r-c' })],
])('while the queue is %s, it is BullMQ that takes the next job', async (_, limit) => {
  await add(jobs('a', 'b'));
  const { taken } = await settle([], 1);
  await limit();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await settle(taken.map(completionOf), 1)).toEqual({ codes: [0], taken: [], nextDelayedAt: undefined });
  expect(await queue.getActiveCount()).toBe(0);
});

test('waiting workers get a sign when jobs are added, and when some are left', async () => {
  const marker = () => redis.zpopmin(queue.toKey('marker'));
  await add(jobs('a', 'b'));
  expect(await marker()).toEqual(['0', '0']);
  await settle([], 1);
  expect(await marker()).toEqual(['0', '0']);
  await settle([], 5);
  expect(await marker()).toEqual([]);
  await add(jobs('c'), 1);
  expect(await marker()).toEqual([]);
});

test('of the completed jobs the latest are kept', async () => {
  await add(jobs('a', 'b', 'c', 'd', 'e'));
  const { taken } = await settle([], 5);
  for (const each of taken) await settle([completionOf(each)], 0);
  const kept = await queue.getCompleted();
  expect(kept.map(({ id }) => id).sort()).toEqual(['r-c', 'r-d', 'r-e']);
});

test('the state of an attempt does not overwrite the state of a later one', async () => {
  await add(jobs('a', 'b'), 2);
  await redis.hset(toKey('r-b'), 'ats', '2', 'progress', 'of the second attempt');
  const of = (id: string) => ({ key: toKey(id), attemptsStarted: 1, progress: 'of the first attempt' });
  await saveJobs(redis, [of('r-a'), of('r-b'), of('r-gone')]);
  expect(await redis.hget(toKey('r-a'), 'progress')).toBe('of the first attempt');
  expect(await redis.hget(toKey('r-b'), 'progress')).toBe('of the second attempt');
  expect(await redis.exists(toKey('r-gone'))).toBe(0);
});
