import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openJobShards } from '../../src/adapters/jobs/job-shards.ts';
import { startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const SHARDS = 4;
const REQUESTS = 160;
const USERS = 20;
const CONCURRENCY = 30;

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

test('with four shards, every question is answered once although a worker is killed in mid-work', async () => {
  const env = {
    RABBITMQ_URL: await testRabbitMqUrl(),
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    WORKER_CONCURRENCY: String(CONCURRENCY),
    JOB_SHARDS: String(SHARDS),
  };
  const client = await startQueueClient(env.RABBITMQ_URL);
  await client.readResponses();
  // Longer than any start takes: nothing is answered before the kill.
  await simulator.behave({ latencyMs: 60_000 });
  const workers = [await startWorker(env), await startWorker(env)];
  const asked = Array.from({ length: REQUESTS }, (_, i) => ({
    requestId: randomUUID(),
    sessionId: `session-${i}`,
    userId: `user-${i % USERS}`,
    message: `Question ${i}`,
  }));
  await client.ask(...asked);
  await until(
    'both workers have their hands full',
    async () => (await simulator.stats()).inFlight === 2 * CONCURRENCY,
    60_000,
  );
  const redis = new Redis(env.REDIS_URL);
  const shards = openJobShards(redis, SHARDS);
  try {
    // A shard may have none: its jobs wait until those of others end.
    const inHand = await Promise.all(shards.all.map(({ queue }) => queue.getActiveCount()));
    expect(inHand.filter((count) => count > 0).length).toBeGreaterThan(1);
    await workers[0]!.kill();
    await until('the model has only the work of the other', async () => {
      const { inFlight } = await simulator.stats();
      return inFlight <= CONCURRENCY;
    });
    await simulator.behave({ latencyMs: 50 });
    // The one that lives would wait for a minute for what it has asked already.
    await workers[1]!.kill();
    await startWorker(env);
    await until('all are answered', () => client.responses.length >= REQUESTS, 120_000);
    expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
      asked.map(({ requestId }) => requestId).sort(),
    );
    expect(new Set(client.responses.map(({ status }) => status))).toEqual(new Set(['completed']));
  } finally {
    await shards.close();
    redis.disconnect();
  }
}, 300_000);
