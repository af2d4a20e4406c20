import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { startWorker } from '../../processes.ts';
import { startQueueClient } from '../../queue-client.ts';
import { privateRedis, testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { startSimulator } from '../../start-simulator.ts';
import { until } from '../../until.ts';
import { metric } from './fault-case.ts';

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const requests = (count: number) =>
  Array.from({ length: count }, () => ({
    requestId: randomUUID(),
    sessionId: 's',
    userId: 'u',
    message: `What? ${randomUUID()}`,
  }));

async function startAround(redisUrl: string, env: Record<string, string> = {}) {
  const rabbitMqUrl = await testRabbitMqUrl();
  const simulator = await startSimulator();
  cleanups.push(() => simulator.stop());
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  const worker = await startWorker({
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    ...env,
  });
  return { rabbitMqUrl, simulator, client, worker };
}

test('a Redis that takes no writes for a while costs neither a question nor an answer that was paid for', async () => {
  const server = await privateRedis();
  const redis = new Redis(server.url);
  cleanups.push(
    () => server.stop(),
    () => redis.disconnect(),
  );
  const { simulator, client, worker } = await startAround(server.url, { CACHE_ENABLED: 'false' });
  await simulator.behave({ latencyMs: 1_000 });
  const [inHand, ...later] = requests(11);
  await client.ask(inHand!);
  await until('it is in hand', async () => (await simulator.stats()).started === 1);

  // As when its disk is full, or it has lost its replicas.
  await redis.config('SET', 'min-replicas-to-write', '1');
  await client.ask(...later);
  await until('the model has answered', async () => (await simulator.stats()).finished === 1);
  // Longer than an error is tried again that nobody has foreseen.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect(client.responses).toEqual([]);
  await redis.config('SET', 'min-replicas-to-write', '0');

  await until('all are answered', () => client.responses.length >= 11, 60_000);
  expect(await client.depth(deadLetterQueueOf(REQUESTS_QUEUE))).toBe(0);
  expect((await simulator.stats()).started).toBe(11);
  expect(await metric(worker, 'healify_uncertain_spend_total')).toBe(0);
}, 120_000);

test('a queue that is deleted is declared anew, and its consumer is back', async () => {
  const { rabbitMqUrl, client } = await startAround(await testRedisUrl());
  await client.channel.deleteQueue(REQUESTS_QUEUE);
  const connection = await connect(rabbitMqUrl);
  cleanups.push(() => connection.close());
  await until('the queue is there', async () => {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return await channel.checkQueue(REQUESTS_QUEUE).then(
      ({ consumerCount }) => consumerCount === 1,
      () => false,
    );
  });
  const [asked] = requests(1);
  await client.ask(asked!);
  expect((await client.responseTo(asked!.requestId)).status).toBe('completed');
}, 60_000);
