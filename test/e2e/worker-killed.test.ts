import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const REQUESTS = 200;
const CONCURRENCY = 120;

let simulator: TestSimulator;

beforeAll(async () => {
  simulator = await startSimulator();
});

afterAll(() => simulator.stop());

const requests = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    requestId: randomUUID(),
    sessionId: `session-${index}`,
    userId: `user-${index % 20}`,
    message: `Question ${index}`,
  }));

test('200 requests under way when the worker is killed are all answered once, and none is asked again without need', async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    WORKER_CONCURRENCY: String(CONCURRENCY),
  };
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  // Longer than any start takes: nothing is answered before the kill.
  await simulator.behave({ latencyMs: 60_000 });

  const worker = await startWorker(settings);
  const asked = requests(REQUESTS);
  await client.ask(...asked);
  await until('the model has its hands full', async () => (await simulator.stats()).inFlight === CONCURRENCY);
  await until('the rest waits', async () => (await client.depth(REQUESTS_QUEUE)) === 0);
  await worker.kill();
  await until('the model is left alone', async () => (await simulator.stats()).inFlight === 0);
  expect(client.responses).toEqual([]);

  await simulator.behave({ latencyMs: 50 });
  const second = await startWorker(settings);
  await until('all are answered', () => client.responses.length >= REQUESTS, 90_000);
  await second.stop();

  expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
    asked.map(({ requestId }) => requestId).sort(),
  );
  expect(new Set(client.responses.map(({ status }) => status))).toEqual(new Set(['completed']));
  const { started, finished } = await simulator.stats();
  expect(finished).toBe(REQUESTS);
  expect(started).toBeLessThanOrEqual(REQUESTS + CONCURRENCY);
}, 240_000);

test('a worker killed in full swing loses no request, and what it had written down is not asked for again', async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    WORKER_CONCURRENCY: '50',
  };
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  await simulator.reset();
  await simulator.behave({ latencyMs: { median: 300, sigma: 1 } });

  const worker = await startWorker(settings);
  const asked = requests(REQUESTS);
  await client.ask(...asked);
  await until('work is in full swing', () => client.responses.length >= REQUESTS / 4, 60_000);
  await worker.kill();
  const second = await startWorker(settings);
  const answered = () => new Set(client.responses.map(({ requestId }) => requestId));
  await until('all are answered', () => answered().size === REQUESTS, 90_000);
  await second.stop();

  expect([...answered()].sort()).toEqual(asked.map(({ requestId }) => requestId).sort());
  // The kill may come between the broker's confirm and the note of it: then the same answer comes once more.
  for (const response of client.responses) {
    const first = client.responses.find(({ requestId }) => requestId === response.requestId);
    expect(response.response).toBe(first?.response);
  }
  const { started } = await simulator.stats();
  expect(started).toBeLessThanOrEqual(REQUESTS + 50);
}, 240_000);
