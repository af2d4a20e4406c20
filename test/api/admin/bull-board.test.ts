import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import express from 'express';
import { Redis } from 'ioredis';
import { addJobs, promoteAllJobs, returnJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, openChatQueue } from '../../../src/adapters/jobs/job-shards.ts';
import { settleJobs } from '../../../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import { createBullBoardRouter } from '../../../src/api/admin/bull-board.ts';
import { JOBS_QUEUE } from '../../../src/contracts/queues.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { testRedisUrl } from '../../services.ts';

const { trail, recorded } = recordingTrail();
let redis: Redis;
let queue: ChatQueue;
let url: string;
const server = createServer();

beforeAll(async () => {
  redis = new Redis(await testRedisUrl(), { maxRetriesPerRequest: null });
  queue = openChatQueue(redis);
  const app = express().use(
    '/admin',
    createBullBoardRouter({
      queues: [
        {
          queue,
          name: JOBS_QUEUE,
          actions: {
            returnJob: (from, jobId) => returnJobs(queue, redis, from, [jobId]),
            promoteAll: () => promoteAllJobs(queue, redis),
          },
        },
      ],
      mountPath: '/admin',
      trail,
      requireAdmin: (_req, _res, next) => next(),
    }),
  );
  server.on('request', app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/queues/api/queues/${JOBS_QUEUE}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await queue.close();
  redis.disconnect();
});
beforeEach(() => redis.flushdb());

const job = (requestId: string) => ({
  request: {
    ...{ version: 1 as const, requestId, sessionId: 's', userId: 'u', message: 'm', context: [], cache: true },
    priority: 'interactive' as const,
  },
  traceparent: '00-0-0-00',
  receivedAt: '2026-01-01T00:00:00.000Z',
});
const add = (...requestIds: string[]) => addJobs(queue, redis, requestIds.map(job), { attempts: 3 });
const settle = (completions: Parameters<typeof settleJobs>[2], room: number) =>
  settleJobs(redis, (type) => queue.toKey(type), completions, {
    ...{ now: Date.now(), kept: 10, keepsText: false, rememberMs: 3_600_000, room },
  });
const moveTo = (state: 'failed' | 'delayed', id: string, score: number) =>
  redis.multi().zrem(queue.toKey('prioritized'), id).zadd(queue.toKey(state), score, id).exec();
const ask = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(url + path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
};

describe('an action that would make a job unusable is refused, with the reason:', () => {
  test.each([
    ['a job without a request', { name: 'chat', data: {}, options: {} }],
    ['a job with a request', { name: 'chat', data: job('b'), options: { priority: 1 } }],
    ['rubbish', { name: 'chat', data: 'x', options: { delay: 5 } }],
  ])('to add %s', async (_, body) => {
    expect(await ask('POST', '/add', body)).toMatchObject({ status: 409, text: expect.stringContaining('no user') });
    expect(await queue.getJobCountByTypes('wait', 'prioritized', 'delayed')).toBe(0);
  });

  test.each([[{}], [{ request: null }], [job('b')]])('to change the data of a job to %j', async (jobData) => {
    await add('a');
    expect((await ask('PATCH', '/r-a/update-data', { jobData })).status).toBe(409);
    expect((await queue.getJob('r-a'))!.data).toEqual({ version: 1, ...job('a') });
  });

  test('to change its place in line', async () => {
    await add('a');
    expect((await ask('PATCH', '/r-a/priority', { priority: 7 })).status).toBe(409);
  });

  test('to retry a job whose request is finished, and all of them', async () => {
    await add('a');
    const { taken } = await settle([], 1);
    await settle([{ jobId: 'r-a', attemptsStarted: 1, attemptsMade: 1, locked: false, returnValue: '{}' }], 0);
    expect(taken).toHaveLength(1);
    const reason = { status: 409, text: expect.stringContaining('Ask it again') };
    expect(await ask('PUT', '/r-a/retry')).toMatchObject(reason);
    expect(await ask('PUT', '/retry/completed')).toMatchObject(reason);
    expect(await queue.getJobState('r-a')).toBe('completed');
  });
});

describe('jobs that an admin lets go on get a place in the present line:', () => {
  test('a failed one, and no other', async () => {
    await add('a', 'b', 'c');
    for (const id of ['r-a', 'r-b', 'r-c']) await moveTo('failed', id, Date.now());
    await redis.hset(queue.toKey('r-a'), 'priority', '900000');
    await redis.hset(queue.toKey('r-a'), 'failedReason', 'why', 'finishedOn', '1');
    expect((await ask('PUT', '/r-a/retry')).status).toBe(204);
    const subject = { kind: 'request', id: 'a' };
    expect(recorded.slice(-2)).toMatchObject([
      { action: 'job.retry', subject, outcome: 'begun', details: { by: 'bull_board' } },
      { action: 'job.retry', subject, outcome: 'done' },
    ]);
    const retried = (await queue.getJob('r-a'))!;
    expect([retried.priority, retried.failedReason, retried.finishedOn]).toEqual([1, undefined, undefined]);
    // The others may have failed for another reason.
    const refused = { status: 409, text: expect.stringContaining('npm run jobs') };
    expect(await ask('PUT', '/retry/failed')).toMatchObject(refused);
    expect(await queue.getJobCounts('prioritized', 'failed', 'wait')).toEqual({ prioritized: 1, failed: 2, wait: 0 });
    for (const path of [
      '/r-b/clean',
      '/clean/failed',
      '/empty',
      '/obliterate',
      '/pause',
      '/concurrency',
      '/r-b/delay',
    ]) {
      expect((await ask('PUT', path)).status).not.toBe(204);
    }
    expect(await ask('PUT', '/r-b/clean')).toMatchObject(refused);
    expect(await ask('PUT', '/empty')).toMatchObject(refused);
    expect(await ask('PUT', '/obliterate')).toMatchObject(refused);
    expect(await queue.getJobCounts('failed')).toEqual({ failed: 2 });
  });

  test('a delayed one, and all of them', async () => {
    await add('a', 'b', 'c');
    for (const id of ['r-a', 'r-b', 'r-c']) await moveTo('delayed', id, (Date.now() + 60_000) * 4096);
    await redis.hset(queue.toKey('r-a'), 'priority', '900000');
    expect((await ask('PUT', '/r-a/promote')).status).toBe(204);
    expect(await queue.getJob('r-a')).toMatchObject({ priority: 1 });
    expect((await ask('PUT', '/promote')).status).toBe(200);
    expect(await queue.getJobCounts('prioritized', 'delayed', 'wait')).toEqual({ prioritized: 3, delayed: 0, wait: 0 });
  });

  test('all of very many, which are looked at some at a time', async () => {
    const ids = Array.from({ length: 450 }, (_, i) => `${i}`);
    await add(...ids);
    const later = redis.pipeline();
    for (const id of ids) later.zadd(queue.toKey('delayed'), (Date.now() + 60_000) * 4096, `r-${id}`);
    await later.del(queue.toKey('prioritized')).exec();
    const looks = jest.spyOn(redis, 'zrange');
    expect((await ask('PUT', '/promote')).status).toBe(200);
    const seen = await Promise.all(looks.mock.results.map(({ value }) => value as Promise<string[]>));
    looks.mockRestore();
    expect(Math.max(...seen.map(({ length }) => length))).toBeLessThanOrEqual(200);
    expect(await queue.getJobCounts('prioritized', 'delayed')).toEqual({ prioritized: 450, delayed: 0 });
  });

  test('one that has gone on meanwhile is left alone', async () => {
    await add('a');
    expect((await ask('PUT', '/r-a/promote')).status).toBe(409);
    expect(recorded.at(-1)).toMatchObject({ action: 'job.promote', outcome: 'refused' });
    expect(await queue.getJobCounts('prioritized')).toEqual({ prioritized: 1 });
  });
});

test('a body that the board cannot read is the fault of its sender', async () => {
  expect(await ask('POST', '/add', 'no object')).toMatchObject({
    status: 400,
    text: expect.stringContaining('ERRORS.BAD_REQUEST'),
  });
});

test('the board shows no text of a question or an answer, and leads from a job to its story', async () => {
  const { request, ...rest } = job('an/odd id');
  const secret = { message: 'secret question', context: [{ role: 'user' as const, content: 'secret earlier' }] };
  await addJobs(queue, redis, [{ ...rest, request: { ...request, ...secret } }], { attempts: 3 });
  const id = 'r-an%2Fodd%20id';
  const progress = {
    step: 'write-cache',
    attempt: 1,
    steps: [],
    crashes: 0,
    results: { 'ask-model': 'secret answer' },
  };
  await redis.hset(queue.toKey(id), {
    progress: JSON.stringify(progress),
    returnvalue: '{"response":"secret answer"}',
  });
  const replies = await Promise.all([
    fetch(`${url.slice(0, url.lastIndexOf('/queues/'))}/queues?activeQueue=${JOBS_QUEUE}&status=latest`),
    fetch(`${url}/${encodeURIComponent(id)}`),
  ]);
  const texts = await Promise.all(replies.map((reply) => reply.text()));
  // The board's page of a job asks for this, too. It would have the progress as it is stored.
  const flow = await fetch(`${url}/${encodeURIComponent(id)}/flow?root=node`);
  expect(await flow.json()).toEqual({ nodeId: id, flowRoot: null, isFlowNode: false });
  for (const text of texts) {
    expect(text).toContain('"messageChars":15');
    expect(text).toContain('"finished":["ask-model"]');
    expect(text).toContain('/admin#/jobs/an%2Fodd%20id');
    expect(text).not.toContain('secret');
  }
});
