import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createGateAdmin } from '../../src/adapters/model/gate-admin.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../src/contracts/queues.ts';
import { startAnsweringWorker } from '../answering-worker.ts';
import { startWorker } from '../processes.ts';
import { until } from '../until.ts';

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

const DELAYED = `${JOBS_PREFIX}:${JOBS_QUEUE}:delayed`;

const question = () => ({
  ...{ requestId: randomUUID(), sessionId: 's', userId: 'u', message: `Question ${randomUUID()}` },
});

test('a worker that is killed while it probes holds the gate for seconds, and not for as long as a call may take', async () => {
  const { rabbitMqUrl, redisUrl, simulator, client, worker } = await startAnsweringWorker({ MODEL_TIMEOUT: '10m' });
  const redis = new Redis(redisUrl);
  closing.push(() => redis.disconnect());
  const gates = createGateAdmin(redis);
  // A worker that has not heard of the shut gate yet would make its call without a probe.
  await until('the worker puts a question aside', async () => {
    await gates.shut('simulator/simulator', 3_000);
    await client.ask(question());
    return (await redis.zcard(DELAYED)) > 0;
  });
  await simulator.behave({ latencyMs: 600_000 });
  await client.ask(question());
  await until(
    'the probe is under way',
    async () => (await gates.list())[0]?.state === 'probing' && (await simulator.stats()).inFlight > 0,
  );
  await worker.kill();

  await simulator.behave({});
  await startWorker({ RABBITMQ_URL: rabbitMqUrl, REDIS_URL: redisUrl, MODEL_SIMULATOR_URL: simulator.baseUrl });
  const asked = question();
  await client.ask(asked);
  expect(await client.responseTo(asked.requestId, 60_000)).toMatchObject({ status: 'completed', attempts: 1 });
  expect(await gates.list()).toMatchObject([{ state: 'open' }]);
});
