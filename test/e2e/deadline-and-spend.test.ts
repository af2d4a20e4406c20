import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startWorker } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: Awaited<ReturnType<typeof startSimulator>>;
let client: QueueClient;
let settings: Record<string, string>;
beforeAll(async () => {
  simulator = await startSimulator();
  const rabbitMqUrl = await testRabbitMqUrl();
  settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    RETRY_BASE: '200ms',
    RETRY_MAX: '500ms',
    JOB_ATTEMPTS: '100',
    BREAKER_MAX_CONSECUTIVE: '1000',
    BREAKER_MIN_CALLS: '1000',
  };
  client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
});

afterAll(() => simulator.stop());

const question = (fields: object) => ({
  requestId: randomUUID(),
  sessionId: 's',
  userId: 'u',
  message: `What? ${randomUUID()}`,
  ...fields,
});
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

test('a request whose deadline is over fails without a model call, one that fails until then fails by it', async () => {
  const worker = await startWorker(settings);
  const late = question({ deadline: inMs(-1) });
  await client.ask(late);
  expect(await client.responseTo(late.requestId)).toMatchObject({
    status: 'failed',
    error: { code: 'deadline_exceeded' },
  });
  expect((await simulator.stats()).started).toBe(0);

  const failing = question({ deadline: inMs(8_000), message: 'Never. [[simulate status=500]]' });
  await client.ask(failing);
  expect(await client.responseTo(failing.requestId)).toMatchObject({
    status: 'failed',
    error: { code: 'deadline_exceeded' },
  });
  expect((await simulator.stats()).started).toBeGreaterThan(1);
  await worker.stop();
});

test('a call that a dying worker left is not repeated where that is not wanted, and counted as uncertain', async () => {
  const careful = { ...settings, ASK_AGAIN_AFTER_CRASH: 'false', JOB_ATTEMPTS: '1' };
  const dying = await startWorker(careful);
  const asked = question({ message: `Dear. ${randomUUID()} [[simulate mode=hang]]` });
  const before = (await simulator.stats()).started;
  await client.ask(asked);
  await until('the model is asked', async () => (await simulator.stats()).inFlight === 1);
  await dying.kill();
  const next = await startWorker(careful);
  expect(await client.responseTo(asked.requestId, 60_000)).toMatchObject({
    status: 'failed',
    error: { code: 'spend_uncertain' },
  });
  expect((await simulator.stats()).started).toBe(before + 1);
  const metrics = await (await fetch(next.metricsUrl)).text();
  expect(metrics).toMatch(
    /healify_uncertain_spend_total\{why="crashed",provider="unknown",model="unknown",process="worker"\} 1/,
  );
  await next.stop();
});

test('when the worker that asks for many dies, another takes over, and all are answered', async () => {
  const dying = await startWorker({ ...settings, WORKER_CONCURRENCY: '1' });
  const message = `The same. ${randomUUID()} [[simulate mode=hang times=1]]`;
  const first = question({ message });
  await client.ask(first);
  await until('the model is asked', async () => (await simulator.stats()).inFlight === 1);
  const healthy = await startWorker(settings);
  const others = [question({ message }), question({ message })];
  await client.ask(...others);
  await dying.kill();
  for (const { requestId } of [first, ...others]) {
    expect(await client.responseTo(requestId, 60_000)).toMatchObject({ status: 'completed' });
  }
  const calls = (await simulator.calls()).filter(({ text }) => text === message);
  expect(calls).toHaveLength(2);
  await healthy.stop();
});
