import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { cancelRequest } from '../../src/adapters/jobs/cancellations.ts';
import { JOBS_PREFIX } from '../../src/contracts/queues.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import type { QueueClient } from '../queue-client.ts';
import type { TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let client: QueueClient;
let redis: Redis;

beforeAll(async () => {
  const started = await startAnsweringWorker();
  ({ simulator, client } = started);
  redis = new Redis(started.redisUrl);
});

afterAll(() => redis?.disconnect());

beforeEach(async () => {
  await simulator.reset();
  await simulator.behave({});
});

const request = (fields: object = {}) => ({
  requestId: randomUUID(),
  sessionId: randomUUID(),
  userId: 'ann',
  message: `Is ${randomUUID()} healthy?`,
  ...fields,
});

const answersTo = (requests: readonly { requestId: string }[]) =>
  Promise.all(requests.map(({ requestId }) => client.responseTo(requestId)));

test('the same question asked again costs no model call, and its answer says that it was kept', async () => {
  const first = request();
  const second = request({ message: first.message });
  await client.ask(first);
  const given = await client.responseTo(first.requestId);
  await client.ask(second);
  const kept = await client.responseTo(second.requestId);

  expect(given).toMatchObject({ status: 'completed', cached: false });
  expect(given.usage?.totalTokens).toBeGreaterThan(0);
  expect(kept).toMatchObject({
    status: 'completed',
    cached: true,
    response: given.response,
    model: given.model,
    usage: { totalTokens: 0, cost: 0 },
    timings: { modelMs: 0 },
  });
  expect(kept.sessionId).toBe(second.sessionId);
  expect((await simulator.stats()).started).toBe(1);
});

test('a question that its user asks 100 times at once costs one model call, and all are answered', async () => {
  await simulator.behave({ latencyMs: 1_000 });
  const first = request();
  const all = [first, ...Array.from({ length: 99 }, () => request({ message: first.message }))];
  await client.ask(...all);

  const answers = await answersTo(all);
  expect(new Set(answers.map(({ response }) => response)).size).toBe(1);
  expect(answers.filter(({ cached }) => !cached)).toHaveLength(1);
  expect((await simulator.stats()).started).toBe(1);
});

test('a request without the cache gets a new answer each time', async () => {
  const all = Array.from({ length: 5 }, () => request({ message: 'Is bread healthy?', cache: false }));
  await client.ask(...all);

  const answers = await answersTo(all);
  expect(answers.map(({ cached }) => cached)).toEqual(all.map(() => false));
  expect((await simulator.stats()).started).toBe(5);
});

test('the same words after another conversation are another question', async () => {
  const message = `And ${randomUUID()}?`;
  const context = [
    { role: 'user', content: 'Is milk healthy?' },
    { role: 'assistant', content: 'Mostly.' },
  ];
  const all = [request({ message }), request({ message, context })];
  await client.ask(...all);

  const answers = await answersTo(all);
  expect(answers[1]?.response).not.toBe(answers[0]?.response);
  expect((await simulator.stats()).started).toBe(2);
});

test('when the request that asks fails, another that waits for the same answer asks', async () => {
  await simulator.behave({ mode: 'content_filter_rejected', calls: 1, latencyMs: 500 });
  const first = request();
  const all = [first, request({ message: first.message }), request({ message: first.message })];
  await client.ask(...all);

  const answers = await answersTo(all);
  expect(answers.map(({ status }) => status).sort()).toEqual(['completed', 'completed', 'failed']);
  expect((await simulator.stats()).started).toBe(2);
});

test('a question that is cancelled while the model thinks stops the model call, and ends as cancelled', async () => {
  await simulator.behave({ latencyMs: 60_000 });
  const asked = request();
  await client.ask(asked);
  await until('the model thinks', async () => (await simulator.stats()).inFlight === 1);
  await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, asked.requestId);

  expect(await client.responseTo(asked.requestId)).toMatchObject({ status: 'cancelled', response: null, error: null });
  expect(await simulator.stats()).toMatchObject({ started: 1, abortedByClient: 1, inFlight: 0 });
});

test('a question that is cancelled before its turn never reaches the model', async () => {
  const asked = request();
  await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, asked.requestId);
  await client.ask(asked);

  expect(await client.responseTo(asked.requestId)).toMatchObject({ status: 'cancelled' });
  expect((await simulator.stats()).started).toBe(0);
});

test('when the request that asks is cancelled, others that wait for the same answer still get it', async () => {
  await simulator.behave({ latencyMs: 60_000 });
  const first = request();
  const second = request({ message: first.message });
  await client.ask(first);
  await until('the model thinks', async () => (await simulator.stats()).inFlight === 1);
  await client.ask(second);
  await until('the second waits', async () => (await redis.keys('*awaiting')).length > 0);
  await simulator.behave({});
  await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, first.requestId);

  expect(await client.responseTo(first.requestId)).toMatchObject({ status: 'cancelled' });
  expect(await client.responseTo(second.requestId)).toMatchObject({ status: 'completed' });
});
