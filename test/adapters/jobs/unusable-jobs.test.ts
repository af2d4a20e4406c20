import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type ChatJobData, type ChatJobResult, jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, type JobShards, openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { fieldsOf, readJobData, readJobState } from '../../../src/adapters/jobs/read-job-data.ts';
import { createJobRunner, type JobRunner } from '../../../src/adapters/jobs/runner/job-runner.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const MARKER = 'marker-of-a-text';

let redis: Redis;
let shards: JobShards;
let queue: ChatQueue;
let runner: JobRunner;
let connection: Redis;
let worked: string[];
let lines: Record<string, unknown>[];
beforeEach(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  shards = openJobShards(redis, 1);
  ({ queue } = shards.all[0]!);
  connection = redis.duplicate();
  const log = captureLog();
  lines = log.lines as Record<string, unknown>[];
  worked = [];
  runner = createJobRunner({
    ...{ shards, redis: connection, concurrency: 10, attempts: 2, seals: plainTexts, refuse: async () => {} },
    ...{ completedJobsKept: 100, finishedJobTextMs: 0, redeliveryWindowMs: 3_600_000 },
    ...{ completedJobsAgeMs: 3_600_000, failedJobsKept: 100, failedJobsAgeMs: 3_600_000, logger: log.logger },
  });
});
afterEach(async () => {
  await runner.stop(0, () => {});
  await shards.close();
  redis.disconnect();
  connection.disconnect();
});

const start = () =>
  runner.start(async (job) => {
    worked.push(job.data.request.requestId);
    await job.complete({ status: 'completed' } as ChatJobResult);
  });

const data = (requestId: string, request: object = {}, rest: object = {}): ChatJobData =>
  ({
    request: {
      ...{ version: 1, requestId, sessionId: 's', userId: 'u', message: MARKER, context: [], cache: true },
      priority: 'interactive',
      ...request,
    },
    traceparent: '00-0-0-00',
    receivedAt: '2026-01-01T00:00:00.000Z',
    ...rest,
  }) as ChatJobData;

const addByHand = (id: string, jobData: unknown, options: object = {}) =>
  queue.add('chat', jobData as ChatJobData, { jobId: id, ...options });
const failsOnce = async (id: string, reason: RegExp) => {
  await until('it has failed', async () => (await queue.getJobState(id)) === 'failed');
  const failed = (await queue.getJob(id))!;
  expect(failed.failedReason).toMatch(reason);
  expect([failed.attemptsStarted, failed.stalledCounter]).toEqual([1, 0]);
  expect(failed.failedReason).not.toContain(MARKER);
};

test.each([
  ['nothing', {}, /no `request`/],
  ['no request', { traceparent: 'x' }, /no `request`/],
  ['a request that is null', { request: null }, /no `request`/],
  ['a list', [1, 2], /not a JSON object/],
  ['a text', MARKER, /not a JSON object/],
  ['a number', 5, /not a JSON object/],
  ['an empty request', { request: {} }, /request\.requestId/],
  ['the request of another job', data('another'), /made for/],
  ['what is left of a finished job', { finished: true }, /is finished.*ask the question again/],
])('a job that has %s fails once, with the reason, and others go on', async (_, jobData, reason) => {
  const ids = [jobIdOf(randomUUID()), jobIdOf(randomUUID()), jobIdOf(randomUUID())] as const;
  await addByHand(ids[0], jobData);
  await addByHand(ids[1], jobData, { priority: 3, attempts: 5 });
  await addByHand(ids[2], jobData, { delay: 50 });
  start();
  for (const id of ids) await failsOnce(id, reason);
  await runner.add([data('good')]);
  await until('the good one is worked on', () => worked.length > 0);
  expect(worked).toEqual(['good']);
  expect(JSON.stringify(lines)).not.toContain(MARKER);
});

test.each([
  ['sessionId', { sessionId: 7 }],
  ['sessionId', { sessionId: '' }],
  ['userId', { userId: null }],
  ['message', { message: ['x'] }],
  ['message', { message: undefined }],
  ['requestId', { requestId: '\ud800' }],
  ['context', { context: 'x' }],
  ['context', { context: [null] }],
  ['context', { context: [{ role: 'system', content: 'x' }] }],
  ['cache', { cache: 'yes' }],
  ['priority', { priority: 1 }],
  ['model', { model: 5 }],
  ['deadline', { deadline: 'soon' }],
  ['createdAt', { createdAt: {} }],
])('a job whose %s is wrong is named so: %j', (field, request) => {
  expect(() => readJobData('r-a', fieldsOf(JSON.stringify(data('a', request))))).toThrow(
    `unusable_job: \`request.${field}\` is missing or not what it should be`,
  );
});

test.each([
  ['traceparent', { traceparent: undefined }],
  ['receivedAt', { receivedAt: 'x' }],
  ['reply', { reply: 'queue' }],
  ['reply', { reply: { to: '' } }],
  ['reply', { reply: { to: 'queue', correlationId: 7 } }],
])('a job whose %s is wrong is named so, too: %j', (field, rest) => {
  expect(() => readJobData('r-a', fieldsOf(JSON.stringify(data('a', {}, rest))))).toThrow(`\`${field}\``);
});

test('a job of an earlier version of this product is read as it is', () => {
  const full = data('a', {
    ...{ context: [{ role: 'user', content: 'x' }], model: 'm', priority: 'batch' },
    ...{ createdAt: '2026-01-01T00:00:00+02:00', deadline: '2026-01-01T00:00:00.000Z' },
  });
  const replying = data('a', {}, { reply: { to: 'queue', correlationId: 'c' } });
  for (const each of [full, data('a'), replying])
    expect(readJobData('r-a', fieldsOf(JSON.stringify(each)))).toEqual(each);
});

test('a state that cannot be read is none', () => {
  for (const json of ['', '0', '50', 'null', '{}', '"x"', 'x', '{"steps":[]}', '{"steps":{},"results":{}}']) {
    expect(readJobState(json)).toBeUndefined();
  }
  expect(readJobState('{"steps":[],"results":{}}')).toEqual({ steps: [], results: {} });
});

test.each([
  [
    { code: 'model_unauthorized', message: 'The key was refused.', retryable: false },
    { code: 'model_provider_broken', cause: 'The key was refused.' },
  ],
  [
    { code: 'deadline_exceeded', message: 'Too late.', retryable: true },
    { code: 'deadline_exceeded', cause: 'Too late.' },
  ],
  [
    { code: 'toString', retryable: 1 },
    { code: 'internal_error', cause: 'not known any more' },
  ],
  ['x', { code: 'internal_error', cause: 'not known any more' }],
])('a failure that an earlier version wrote down can be announced: %j', (failure, known) => {
  const state = readJobState(JSON.stringify({ steps: [], results: {}, failure }));
  expect(state!.failure).toEqual(known);
});

test('a retry of a job that an earlier version has failed counts its crashes from zero', () => {
  const failed = { steps: [], results: {}, crashes: 4, failedAt: '2026-01-01T00:00:00.000Z' };
  expect(readJobState(JSON.stringify(failed))!.crashesForgiven).toBe(4);
  expect(readJobState(JSON.stringify({ ...failed, crashes: 5, crashesForgiven: 4 }))!.crashesForgiven).toBe(4);
  expect(readJobState(JSON.stringify({ ...failed, failedAt: undefined }))!.crashesForgiven).toBeUndefined();
});

test('a job that is in the line and nowhere else disappears from it, or fails', async () => {
  await redis.zadd(queue.toKey('prioritized'), 1, 'r-ghost');
  await redis.lpush(queue.toKey('wait'), 'r-phantom');
  start();
  await failsOnce('r-phantom', /no `request`/);
  await until('the ghost is gone', async () => (await redis.zcard(queue.toKey('prioritized'))) === 0);
  await runner.add([data('good')]);
  await until('the good one is worked on', () => worked.length > 0);
});

test('a job whose data is no JSON fails once, and the board can show it', async () => {
  await addJobs(queue, redis, [data('a')], { attempts: 2 });
  await redis.hset(queue.toKey('r-a'), 'data', '{"request":');
  start();
  await failsOnce('r-a', /not a JSON object/);
});

test('a finished job that is put back by hand fails, and asks nobody', async () => {
  start();
  await runner.add([data('a')]);
  await until('it is finished', async () => (await queue.getJobState('r-a')) === 'completed');
  await (await queue.getJob('r-a'))!.retry('completed');
  await until('it has failed', async () => (await queue.getJobState('r-a')) === 'failed');
  expect((await queue.getJob('r-a'))!.failedReason).toMatch(/its request is finished/);
  expect(worked).toEqual(['a']);
});

test('a job of a newer version is left to workers of that version: it waits, never fails, and others go on', async () => {
  const id = jobIdOf('newer');
  const newer = { version: 3, request: { userId: 'u', question: { text: MARKER } } };
  await addByHand(id, newer, { priority: 3, attempts: 1 });
  start();
  await until('it was left to others twice', async () => ((await queue.getJob(id))?.attemptsStarted ?? 0) >= 2);
  await runner.add([data('good')]);
  await until('the good one is worked on', () => worked.length > 0);
  await until('it waits', async () => (await queue.getJobState(id)) === 'delayed');
  const job = (await queue.getJob(id))!;
  expect([job.data, job.attemptsMade, job.failedReason]).toEqual([newer, 0, undefined]);
  expect(await redis.hget(queue.toKey(id), 'user')).toBe('u');
  expect(worked).toEqual(['good']);
  expect(lines.filter(({ msg }) => String(msg).includes('newer version'))).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain(MARKER);
});

test('a job carries the version of its data', async () => {
  await addJobs(queue, redis, [data('a')], { attempts: 1 });
  expect((await queue.getJob(jobIdOf('a')))?.data).toEqual({ ...data('a'), version: 1 });
});
