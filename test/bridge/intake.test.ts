import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { addJobs, countWaiting } from '../../src/adapters/jobs/job-queue.ts';
import { type ChatQueue, type JobShards, openJobShards } from '../../src/adapters/jobs/job-shards.ts';
import { connectRabbitMq } from '../../src/adapters/rabbitmq/connection.ts';
import { createDeadLetter } from '../../src/adapters/rabbitmq/dead-letters.ts';
import { createGiveBack } from '../../src/adapters/rabbitmq/newer-messages.ts';
import { createPublisher } from '../../src/adapters/rabbitmq/publisher.ts';
import { createIntake } from '../../src/bridge/intake.ts';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import { captureLog } from '../captured-log.ts';
import { startWorker } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const HIGH_WATER = 100;
const PREFETCH = 40;

let rabbitMqUrl: string;
let redisUrl: string;
let client: QueueClient;
let redis: Redis;
let shards: JobShards;
let queue: ChatQueue;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  [rabbitMqUrl, redisUrl] = [await testRabbitMqUrl(), await testRedisUrl()];
  client = await startQueueClient(rabbitMqUrl);
  redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  shards = openJobShards(redis, 1);
  ({ queue } = shards.all[0]!);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await shards.close();
  redis.disconnect();
});

const request = () => ({
  requestId: randomUUID(),
  sessionId: randomUUID(),
  userId: randomUUID(),
  message: `Is ${randomUUID()} healthy?`,
});
const requests = (count: number) => Array.from({ length: count }, request);

/** A bridge whose jobs nobody works on. */
async function startIntake() {
  const { logger } = captureLog();
  const connection = await connectRabbitMq({ url: rabbitMqUrl, name: 'test', logger });
  const publisher = createPublisher({ connection, timeoutMs: 5_000, logger });
  const received: number[] = [];
  const pauses: boolean[] = [];
  const intake = createIntake({
    connection,
    countWaiting: () => countWaiting(shards),
    addJobs: async (jobs) => (await addJobs(queue, redis, jobs, { attempts: 3 })).untaken,
    deadLetter: createDeadLetter({ queue: REQUESTS_QUEUE, publisher, logger, onDeadLetter: () => {} }),
    giveBack: createGiveBack({ queue: REQUESTS_QUEUE, publisher, onGivenBack: () => {} }),
    replyAllowed: () => true,
    checkPublishers: () => {},
    seals: plainTexts,
    isErased: async () => false,
    prefetch: PREFETCH,
    highWater: HIGH_WATER,
    onReceived: (count) => received.push(count),
    onPaused: (paused) => pauses.push(paused),
    logger,
  });
  intake.start();
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await intake.stop();
    await publisher.close();
    await connection.close();
  };
  cleanups.push(stop);
  return { stop, pauses, received: () => received.reduce((sum, count) => sum + count, 0) };
}

test('of a backlog no more than the high water and one batch leaves RabbitMQ, and the rest follows when work is done', async () => {
  await client.ask(...requests(2_000));
  const { pauses, stop } = await startIntake();
  await until('it pauses', () => pauses.length === 1);
  // What it had in hand when it paused comes to Redis a moment later.
  await until('all is in one place or the other', async () => {
    return (await client.depth(REQUESTS_QUEUE)) + (await countWaiting(shards)) === 2_000;
  });
  expect(await countWaiting(shards)).toBeGreaterThanOrEqual(HIGH_WATER);
  expect(await countWaiting(shards)).toBeLessThanOrEqual(HIGH_WATER + PREFETCH);

  await queue.drain();
  await until('it pauses again', () => pauses.filter(Boolean).length === 2);
  expect(pauses).toEqual([true, false, true]);
  await stop();
  expect((await client.depth(REQUESTS_QUEUE)) + (await countWaiting(shards))).toBeLessThanOrEqual(2_000 - HIGH_WATER);
  expect(await countWaiting(shards)).toBeLessThanOrEqual(HIGH_WATER + PREFETCH);
});

test('a message that is published again, also in the same batch, is one job', async () => {
  const asked = request();
  await client.ask(asked, asked, asked);
  const { received } = await startIntake();
  await until('all came', () => received() === 3);
  await client.ask(asked, request());
  await until('all came', () => received() === 5);
  expect(await countWaiting(shards)).toBe(2);
});

test('messages without an id are told apart by what they say', async () => {
  const { requestId: _, ...anonymous } = request();
  await client.ask(anonymous, anonymous, { ...anonymous, message: 'Something else?' });
  const { received } = await startIntake();
  await until('all came', () => received() === 3);
  expect(await countWaiting(shards)).toBe(2);
});

test('a stop while it is paused leaves the backlog in RabbitMQ', async () => {
  await client.ask(...requests(500));
  const { pauses, stop } = await startIntake();
  await until('it pauses', () => pauses.length === 1);
  await stop();
  await queue.drain();
  await until('nothing is in hand', async () => (await client.depth(REQUESTS_QUEUE)) >= 500 - HIGH_WATER - PREFETCH);
  expect(pauses).toEqual([true]);
  expect(await countWaiting(shards)).toBe(0);
});

test('a worker with a backlog far above its high water answers all of it, each once', async () => {
  const simulator = await startSimulator();
  cleanups.push(() => simulator.stop());
  await simulator.behave({ latencyMs: 60_000 });
  const asked = requests(2_000);
  await client.ask(...asked);
  await client.readResponses();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    BRIDGE_HIGH_WATER: String(HIGH_WATER),
  };
  const slow = await startWorker({ ...settings, WORKER_CONCURRENCY: '1', SHUTDOWN_GRACE: '1s' });
  await until('it takes no more', () => slow.output().includes('enough jobs wait'));
  await until('one is asked', async () => (await simulator.stats()).inFlight === 1);
  // A batch is at most as large as the high water; the one that is asked waits no more.
  expect(await client.depth(REQUESTS_QUEUE)).toBeGreaterThanOrEqual(2_000 - 2 * HIGH_WATER - 1);
  await slow.stop();

  await simulator.reset();
  await simulator.behave({ latencyMs: 1 });
  const fast = await startWorker({ ...settings, WORKER_CONCURRENCY: '50' });
  await until('all are answered', () => client.responses.length >= asked.length, 120_000);
  await fast.stop();
  expect(new Set(client.responses.map(({ requestId }) => requestId)).size).toBe(asked.length);
  expect(client.responses).toHaveLength(asked.length);
  expect((await simulator.stats()).started).toBe(asked.length);
}, 240_000);

test('a question that is published twice costs one model call and is answered once, also after the answer', async () => {
  const simulator = await startSimulator();
  cleanups.push(() => simulator.stop());
  await simulator.behave({ latencyMs: 500 });
  await client.readResponses();
  const worker = await startWorker({
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  });
  const asked = { ...request(), cache: false };
  await client.ask(asked);
  await until('it is asked', async () => (await simulator.stats()).started === 1);
  await client.ask(asked);
  await client.responseTo(asked.requestId);
  await client.ask(asked);
  const last = request();
  await client.ask(last);
  await client.responseTo(last.requestId);
  await worker.stop();

  expect(client.responses.map(({ requestId }) => requestId)).toEqual([asked.requestId, last.requestId]);
  expect((await simulator.stats()).started).toBe(2);
});
