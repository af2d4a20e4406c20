import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createIntakeAdmin } from '../../src/adapters/jobs/intake-pause.ts';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

const requests = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    requestId: randomUUID(),
    sessionId: `s-${i}`,
    userId: `u-${i}`,
    message: `Question ${randomUUID()}`,
  }));

test('a paused intake stays paused when its worker is killed and another starts, and loses nothing', async () => {
  const [rabbitMqUrl, redisUrl] = [await testRabbitMqUrl(), await testRedisUrl()];
  const settings = { RABBITMQ_URL: rabbitMqUrl, REDIS_URL: redisUrl, MODEL_SIMULATOR_URL: simulator.baseUrl };
  const redis = new Redis(redisUrl);
  const intake = createIntakeAdmin(redis);
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  await simulator.behave({ latencyMs: 60_000 });
  const first = await startWorker(settings);
  const inHand = requests(3);
  await client.ask(...inHand);
  await until('the model is asked', async () => (await simulator.stats()).inFlight === 3);

  expect(await intake.pause('u-admin')).toMatchObject({ changed: true, intake: { paused: true, by: 'u-admin' } });
  expect(await intake.pause('u-other')).toMatchObject({ changed: false, intake: { paused: true, by: 'u-admin' } });
  await until('nobody consumes', async () => (await client.consumers(REQUESTS_QUEUE)) === 0);
  const waiting = requests(20);
  await client.ask(...waiting);
  await first.kill();

  await simulator.behave({ latencyMs: 5 });
  const second = await startWorker(settings);
  // What the first worker had taken is in Redis, and goes on.
  for (const { requestId } of inHand) await client.responseTo(requestId, 60_000);
  expect(await client.depth(REQUESTS_QUEUE)).toBe(20);
  expect(await client.consumers(REQUESTS_QUEUE)).toBe(0);
  const metrics = async () => await (await fetch(second.metricsUrl)).text();
  await until('the metrics say so', async () =>
    /healify_intake_paused_by_operator\{queue="chat_requests"[^}]*\} 1/.test(await metrics()),
  );
  expect(await metrics()).toMatch(/healify_intake_paused(?:\{[^}]*\})? 1/);

  expect(await intake.resume()).toMatchObject({ changed: true, intake: { paused: false, since: null, by: null } });
  for (const { requestId } of waiting) await client.responseTo(requestId);
  expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
    [...inHand, ...waiting].map(({ requestId }) => requestId).sort(),
  );
  expect(await intake.resume()).toMatchObject({ changed: false });
  await second.stop();
  redis.disconnect();
});
