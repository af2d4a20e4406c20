import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createGateAdmin } from '../../src/adapters/model/gate-admin.ts';
import { openQueue } from '../adapters/jobs/runner/queue-around.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import { startWorker } from '../processes.ts';
import { until } from '../until.ts';

const GATE = 'simulator/simulator';
const HOUR = 3_600_000;
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

const requests = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ requestId: randomUUID(), sessionId: `s-${i}`, userId: `u-${i}`, message: `Question ${randomUUID()}` },
  }));

test('requests that wait for a shut gate are answered once each soon after it was opened, also if no worker ran then', async () => {
  const { rabbitMqUrl, redisUrl, simulator, client, worker } = await startAnsweringWorker();
  const redis = new Redis(redisUrl);
  closing.push(() => redis.disconnect());
  const gates = createGateAdmin(redis);
  const around = await openQueue(redisUrl);
  closing.push(() => void around.close());
  const delayed = () => around.queue.getDelayedCount();
  const waitAtTheGate = async (count: number) => {
    await until('the gate is shut', () => gates.shut(GATE, HOUR));
    const asked = requests(count);
    await client.ask(...asked);
    await until('all wait', async () => (await delayed()) === count);
    return asked;
  };

  const first = await waitAtTheGate(60);
  expect((await simulator.stats()).started).toBe(0);
  await gates.open(GATE);
  const answers = await Promise.all(first.map(({ requestId }) => client.responseTo(requestId)));
  expect(new Set(answers.map(({ status, attempts }) => `${status} ${attempts}`))).toEqual(new Set(['completed 1']));

  const second = await waitAtTheGate(20);
  await worker.stop();
  await gates.open(GATE);
  await startWorker({ RABBITMQ_URL: rabbitMqUrl, REDIS_URL: redisUrl, MODEL_SIMULATOR_URL: simulator.baseUrl });
  for (const { requestId } of second) await client.responseTo(requestId);
  expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
    [...first, ...second].map(({ requestId }) => requestId).sort(),
  );
  expect((await simulator.stats()).started).toBe(80);
  expect(await delayed()).toBe(0);
});
