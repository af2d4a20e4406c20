import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs, forgetJobs, type NewJob } from '../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, type JobShards, openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { createJobSweeps } from '../../../src/adapters/jobs/job-sweeps.ts';
import { placesInLine } from '../../../src/adapters/jobs/place-in-line.ts';
import { finishedDigest } from '../../../src/adapters/jobs/redis-scripts/finished-requests.ts';
import { rememberFinished } from '../../../src/adapters/jobs/redis-scripts/remember-finished.ts';
import { type Completion, settleJobs } from '../../../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import type { TakenJob } from '../../../src/adapters/jobs/redis-scripts/taken-job.ts';
import { rememberEarlierJobs } from '../../../src/adapters/jobs/remember-earlier-jobs.ts';
import { appendToEndedLog } from '../../../src/adapters/jobs/search/ended-log.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MARKER = 'marker-of-a-text';

let redis: Redis;
let shards: JobShards;
let queue: ChatQueue;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
});
beforeEach(async () => {
  await redis.flushdb();
  shards = openJobShards(redis, 1);
  ({ queue } = shards.all[0]!);
});
afterEach(() => shards.close());
afterAll(() => redis.disconnect());

const toKey = (type: string) => queue.toKey(type);
const job = (requestId: string): NewJob => ({
  request: {
    version: 1,
    requestId,
    sessionId: 's',
    userId: 'u',
    message: `question ${MARKER}`,
    context: [{ role: 'assistant', content: `context ${MARKER}` }],
    cache: true,
    priority: 'interactive',
  },
  traceparent: '00-0-0-00',
  receivedAt: '2026-01-01T00:00:00.000Z',
});
const add = async (...requestIds: string[]) =>
  (await addJobs(queue, redis, requestIds.map(job), { attempts: 3, room: 1_000 })).started;
const completionOf = ({ jobId, attemptsStarted }: TakenJob): Completion => ({
  ...{ jobId, attemptsStarted, attemptsMade: 1, locked: false, returnValue: '{"status":"completed"}' },
});

async function finish(
  requestIds: string[],
  { kept = 0, keepsText = false, rememberMs = HOUR_MS, progress = `answer ${MARKER}`, now = Date.now() } = {},
): Promise<void> {
  const started = await add(...requestIds);
  await Promise.all(started.map(({ jobId }) => redis.hset(toKey(jobId), 'progress', JSON.stringify(progress))));
  await settleJobs(redis, toKey, started.map(completionOf), { now, kept, keepsText, rememberMs, room: 0 });
}

const isRecognised = async (requestId: string) => (await add(requestId)).length === 0;

/** Every key in Redis with all that is in it. */
async function everything(): Promise<string> {
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, '0', '-1', 'WITHSCORES'),
    stream: (key) => redis.xrange(key, '-', '+'),
  };
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map(async (key) => [key, await read[await redis.type(key)]!(key)]));
  return JSON.stringify(values);
}

const buckets = async () => (await redis.keys(toKey('finished:*:*'))).sort();

describe('a request that is finished', () => {
  test('is recognised when it comes again, though nothing is kept of its job', async () => {
    await finish(['a']);
    expect(await redis.exists(toKey(jobIdOf('a')))).toBe(0);
    expect(await isRecognised('a')).toBe(true);
    expect(await isRecognised('b')).toBe(false);
  });

  test('has the place in line "finished", though nothing is kept of its job', async () => {
    await finish(['a']);
    expect(
      await placesInLine(
        shards,
        redis,
        ['a', 'b'].map((requestId) => ({ requestId, shard: shards.all[0]! })),
      ),
    ).toEqual([{ kind: 'finished' }, { kind: 'none' }]);
  });

  test('is recognised among others that come with it, which are added', async () => {
    await finish(['a', 'c']);
    expect((await add('a', 'b', 'c', 'd')).map(({ jobId }) => jobId)).toEqual(['r-b', 'r-d']);
  });

  test('is recognised after more requests than jobs are kept, and none of those that did not finish is', async () => {
    const requestIds = Array.from({ length: 20_000 }, (_, index) => `finished-${index}`);
    for (let first = 0; first < requestIds.length; first += 500)
      await finish(requestIds.slice(first, first + 500), { kept: 10 });
    for (let first = 0; first < requestIds.length; first += 1_000) {
      expect(await add(...requestIds.slice(first, first + 1_000))).toEqual([]);
    }
    expect(await add(...Array.from({ length: 1_000 }, (_, index) => `other-${index}`))).toHaveLength(1_000);
  });

  test('leaves no text of its own in Redis, and how it went for as long as its job is kept', async () => {
    await finish(['a'], { kept: 10 });
    expect(await everything()).not.toContain(MARKER);
    const kept = (await queue.getJob(jobIdOf('a')))!;
    expect(kept.data).toEqual({ finished: true });
    expect(kept.progress).toBe(0);
    expect(kept.returnvalue).toEqual({ status: 'completed' });
    expect(kept.finishedOn).toBeGreaterThan(0);
    expect(await kept.getState()).toBe('completed');
  });

  test('is recognised for one window at least, and forgotten after two', async () => {
    const rememberMs = 400;
    await finish(['a'], { rememberMs });
    const [bucket] = await buckets();
    const leftMs = await redis.pttl(bucket!);
    expect(leftMs).toBeGreaterThan(rememberMs);
    expect(leftMs).toBeLessThanOrEqual(2 * rememberMs);
    await until('a new generation', async () => {
      await finish([crypto.randomUUID()], { rememberMs });
      return (await redis.llen(toKey('finished'))) > 1;
    });
    expect(await isRecognised('a')).toBe(true);
    await until('it is forgotten', async () => (await redis.exists(bucket!)) === 0);
    expect(await isRecognised('a')).toBe(false);
    await until('nothing is left', async () => (await redis.keys(toKey('finished*'))).length === 0);
  });
});

describe('the record of finished requests', () => {
  const remember = async (from: number, count: number, windowMs = HOUR_MS) => {
    const ids = Array.from({ length: count }, (_, index) => jobIdOf(`many-${from + index}`));
    for (let first = 0; first < count; first += 1_000)
      await rememberFinished(redis, toKey, ids.slice(first, first + 1_000), { windowMs });
  };

  test('takes less than 20 bytes a request, also after it has grown to many', async () => {
    await remember(0, 200_000);
    const sizes = await Promise.all((await buckets()).map((key) => redis.memory('USAGE', key)));
    const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    expect(bytes / 200_000).toBeLessThan(20);
    const encodings = await Promise.all((await buckets()).map((key) => redis.object('ENCODING', key)));
    expect(new Set(encodings)).toEqual(new Set(['intset']));
  });

  test('grows by generations, of which there are few', async () => {
    await remember(0, 200_000);
    expect(await redis.llen(toKey('finished'))).toBeLessThanOrEqual(2);
    expect(await isRecognised('many-0')).toBe(true);
    expect(await isRecognised('many-199999')).toBe(true);
  });

  test('opens a smaller generation after one that was hardly used', async () => {
    await redis.lpush(toKey('finished'), `7:4:${Date.now() - HOUR_MS}`);
    await remember(0, 1);
    expect(await redis.lindex(toKey('finished'), 0)).toMatch(/^8:3:\d{13}$/);
  });

  test('has a bucket and 64 bits of the SHA-256 of each', () => {
    const hex = createHash('sha256').update('r-a').digest('hex');
    const digest = finishedDigest('r-a');
    expect(digest.slice(0, 6)).toBe(hex.slice(0, 6));
    const member = BigInt.asUintN(64, BigInt(digest.slice(6)));
    expect(member.toString(16).padStart(16, '0')).toBe(hex.slice(6, 22));
  });
});

describe('a session that is erased', () => {
  test('leaves nothing of its jobs except the digests that recognise their messages', async () => {
    await finish(['done'], { kept: 10, keepsText: true });
    await addJobs(queue, redis, [job('waiting')], { attempts: 3 });
    expect(await everything()).toContain(MARKER);
    await forgetJobs(queue, redis, ['done', 'waiting', 'unknown'], { rememberMs: HOUR_MS });
    expect(await everything()).not.toContain(MARKER);
    expect(await queue.getJobCounts()).toMatchObject({ prioritized: 0, completed: 0 });
    expect(await isRecognised('done')).toBe(true);
    expect(await isRecognised('waiting')).toBe(true);
    expect(await isRecognised('unknown')).toBe(false);
  });

  test('leaves a job in hand to the worker that has it, which completes it without its text', async () => {
    const started = await add('a');
    await forgetJobs(queue, redis, ['a'], { rememberMs: HOUR_MS });
    const { codes } = await settleJobs(redis, toKey, started.map(completionOf), {
      ...{ now: Date.now(), kept: 10, keepsText: false, rememberMs: HOUR_MS, room: 0 },
    });
    expect(codes).toEqual([0]);
    expect(await everything()).not.toContain(MARKER);
  });
});

describe('finished jobs are swept', () => {
  const sweep = (
    finishedJobTextMs: number,
    ages: { completedJobsAgeMs?: number; failedJobsAgeMs?: number } = {},
  ): ReturnType<typeof createJobSweeps> =>
    createJobSweeps({
      ...{ redis, shards, finishedJobTextMs, redeliveryWindowMs: HOUR_MS },
      ...{ completedJobsAgeMs: HOUR_MS, failedJobsAgeMs: HOUR_MS, ...ages },
    });

  test('jobs of an earlier version are recognised before any of them is pushed out, however long texts are kept', async () => {
    const requestIds = Array.from({ length: 450 }, (_, index) => `early-${index}`);
    await finish(requestIds, { kept: 1_000, keepsText: true });
    await redis.del(toKey('finished'), ...(await buckets()));
    await rememberEarlierJobs({ redis, shards, redeliveryWindowMs: HOUR_MS, logger: pino({ level: 'silent' }) });
    await finish(['late'], { kept: 0 });
    expect(await redis.exists(...requestIds.map((requestId) => toKey(jobIdOf(requestId))))).toBe(0);
    expect(await add(...requestIds)).toEqual([]);
  });

  test('their text goes at its time, also that of jobs which an earlier version has completed', async () => {
    const requestIds = Array.from({ length: 450 }, (_, index) => `early-${index}`);
    await finish(requestIds, { kept: 1_000, keepsText: true, now: Date.now() - 10_000 });
    await finish(['late'], { kept: 1_000, keepsText: true });
    // An earlier version did not remember them.
    await redis.del(toKey('finished'), ...(await buckets()));
    expect(await sweep(5_000).completed_texts()).toBe(450);
    const texts = await Promise.all(requestIds.map((requestId) => redis.hget(toKey(jobIdOf(requestId)), 'data')));
    expect(texts.filter((text) => text?.includes(MARKER))).toEqual([]);
    expect(await redis.hget(toKey(jobIdOf('late')), 'data')).toContain(MARKER);
    expect(await redis.hget(toKey(jobIdOf('late')), 'progress')).toContain(MARKER);
    await redis.del(...requestIds.map((requestId) => toKey(jobIdOf(requestId))));
    expect(await add(...requestIds)).toEqual([]);
  });

  test('old ones go, though no other finishes', async () => {
    await finish(['old'], { kept: 10, now: Date.now() - 10_000 });
    await finish(['new'], { kept: 10 });
    await add('failed');
    await redis
      .multi()
      .lrem(toKey('active'), 1, 'r-failed')
      .zadd(toKey('failed'), Date.now() - 10_000, 'r-failed')
      .exec();
    const sweeps = sweep(0, { completedJobsAgeMs: 5_000, failedJobsAgeMs: 5_000 });
    expect([await sweeps.completed_jobs(), await sweeps.failed_jobs()]).toEqual([1, 1]);
    expect(await redis.exists(toKey('r-old'), toKey('r-failed'))).toBe(0);
    expect(await queue.getJobCounts()).toMatchObject({ completed: 1, failed: 0 });
  });

  test('lines for the search go with the time of their jobs, though no other job ends', async () => {
    const now = Date.now();
    const line = (agoMs: number) => ({
      ...{ jobId: `r-${agoMs}`, at: now - agoMs, status: 'completed' as const, code: '', userId: 'u', sessionId: 's' },
    });
    const limits = {
      completedJobsKept: 1_000,
      completedJobsAgeMs: 24 * HOUR_MS,
      failedJobsKept: 1_000,
      failedJobsAgeMs: HOUR_MS,
    };
    const agesMs = Array.from({ length: 130 }, (_, index) => (130 - index) * MINUTE_MS);
    for (const ageMs of agesMs) await appendToEndedLog(redis, toKey, 'completed', [line(ageMs)], limits);
    expect(await redis.llen(toKey('completed-log'))).toBe(3);
    const sweeps = sweep(0, { completedJobsAgeMs: 20.5 * MINUTE_MS });
    expect(await sweeps.job_search()).toBe(110);
    const left = (await redis.lrange(toKey('completed-log'), 0, -1)).join('');
    expect(
      left
        .trimEnd()
        .split('\n')
        .map((text) => text.split(' ')[1]),
    ).toEqual(agesMs.filter((ageMs) => ageMs <= 20 * MINUTE_MS).map((ageMs) => `r-${ageMs}`));
    expect(await sweeps.job_search()).toBe(0);
    expect(await sweep(0, { completedJobsAgeMs: 1 }).job_search()).toBe(20);
    expect(await redis.exists(toKey('completed-log'))).toBe(0);
  });

  test('BullMQ’s events go at their time', async () => {
    await redis.xadd(toKey('events'), `${Date.now() - 10_000}-0`, 'event', 'waiting');
    await redis.xadd(toKey('events'), '*', 'event', 'waiting');
    expect(await sweep(0, { completedJobsAgeMs: 5_000 }).job_events()).toBe(1);
    expect(await redis.xlen(toKey('events'))).toBe(1);
  });

  test('the places of users are kept while somebody waits, and forgotten then', async () => {
    await addJobs(queue, redis, [job('waiting')], { attempts: 3 });
    expect(await redis.exists(toKey('next-tags'))).toBe(1);
    expect(await sweep(0).places_in_line()).toBe(0);
    await redis.del(toKey('prioritized'));
    expect(await sweep(0).places_in_line()).toBeGreaterThan(0);
    expect(await redis.exists(toKey('next-tags'))).toBe(0);
  });
});
