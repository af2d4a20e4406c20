import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { startWorker, type TestProcess } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const simulator = await startSimulator();

afterAll(() => simulator.stop());

beforeEach(() => simulator.reset());

async function setUp(env: Record<string, string>) {
  const rabbitMqUrl = await testRabbitMqUrl();
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    ...env,
  };
  return { client, settings };
}

const requests = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    requestId: randomUUID(),
    sessionId: `session-${index}`,
    userId: `user-${index}`,
    message: `Question ${index}`,
  }));

async function exitCodeOf(worker: TestProcess) {
  await worker.exited;
  return worker.exitCode;
}

const modelIsAsked = (count: number) =>
  until(`the model is asked ${count} times`, async () => (await simulator.stats()).inFlight === count);

test('a worker that is told to stop finishes what is in hand, takes no more, and exits with 0', async () => {
  const { client, settings } = await setUp({ WORKER_CONCURRENCY: '10', SHUTDOWN_GRACE: '30s' });
  await simulator.behave({ latencyMs: 10_000 });
  const worker = await startWorker(settings);
  const inHand = requests(10);
  await client.ask(...inHand);
  await modelIsAsked(10);

  process.kill(worker.pid, 'SIGTERM');
  await until('it takes no more', async () => (await client.consumers(REQUESTS_QUEUE)) === 0);
  const late = requests(5);
  await client.ask(...late);
  expect(await exitCodeOf(worker)).toBe(0);

  await until('the answers are here', () => client.responses.length >= inHand.length);
  const answered = client.responses.map(({ requestId }) => requestId);
  expect(answered.sort()).toEqual(inHand.map(({ requestId }) => requestId).sort());
  expect(await simulator.stats()).toMatchObject({ started: 10, finished: 10, abortedByClient: 0 });
  expect(await client.depth(REQUESTS_QUEUE)).toBe(late.length);

  await simulator.behave({});
  await startWorker(settings);
  for (const { requestId } of late) expect((await client.responseTo(requestId)).status).toBe('completed');
});

test('a worker whose model is slower than the grace hands the request back, and another worker answers it once', async () => {
  const { client, settings } = await setUp({ SHUTDOWN_GRACE: '3s' });
  await simulator.behave({ latencyMs: 60_000 });
  const worker = await startWorker(settings);
  const asked = requests(20);
  await client.ask(...asked);
  await modelIsAsked(20);

  process.kill(worker.pid, 'SIGTERM');
  expect(await exitCodeOf(worker)).toBe(0);
  expect(client.responses).toEqual([]);
  await until('the model calls are given up', async () => (await simulator.stats()).inFlight === 0);

  await simulator.behave({});
  const second = await startWorker(settings);
  const answers = await Promise.all(asked.map(({ requestId }) => client.responseTo(requestId)));
  // To be handed back is no failed attempt.
  expect(answers).toEqual(asked.map(() => expect.objectContaining({ status: 'completed', attempts: 1 })));
  await second.stop();
  expect(client.responses).toHaveLength(asked.length);
  expect((await simulator.stats()).started).toBe(2 * asked.length);
});

test('a worker with nothing to do stops at once and exits with 0', async () => {
  const { settings } = await setUp({ SHUTDOWN_GRACE: '300s' });
  const worker = await startWorker(settings);
  process.kill(worker.pid, 'SIGTERM');
  expect(await exitCodeOf(worker)).toBe(0);
});

test('a worker that is told to stop while RabbitMQ holds more than it can take leaves the rest there', async () => {
  const { client, settings } = await setUp({
    WORKER_CONCURRENCY: '5',
    BRIDGE_HIGH_WATER: '10',
    SHUTDOWN_GRACE: '30s',
  });
  await simulator.behave({ latencyMs: 1_000 });
  const worker = await startWorker(settings);
  const asked = requests(100);
  await client.ask(...asked);
  await until('some are answered', () => client.responses.length >= 5);
  process.kill(worker.pid, 'SIGTERM');
  expect(await exitCodeOf(worker)).toBe(0);
  expect(await client.depth(REQUESTS_QUEUE)).toBeGreaterThan(0);

  await simulator.behave({});
  const second = await startWorker(settings);
  await until('all are answered', () => client.responses.length >= asked.length, 60_000);
  await second.stop();
  expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
    asked.map(({ requestId }) => requestId).sort(),
  );
  expect((await simulator.stats()).started).toBe(asked.length);
});
