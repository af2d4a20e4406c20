import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { addJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { openChatQueue } from '../../../src/adapters/jobs/job-shards.ts';
import { startWorker } from '../../processes.ts';
import { startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { startSimulator } from '../../start-simulator.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';
import { metric } from './fault-case.ts';

/** A killed worker's jobs are taken up within 15 s; the rest is for a busy machine. */
const RECOVERY_MS = 40_000;

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function startAround() {
  const rabbitMqUrl = await testRabbitMqUrl();
  const redisUrl = await testRedisUrl();
  const simulator = await startSimulator();
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  const redis = new Redis(redisUrl);
  const queue = openChatQueue(redis);
  cleanups.push(
    () => simulator.stop(),
    () => redis.disconnect(),
    () => queue.close(),
  );
  const settings = { RABBITMQ_URL: rabbitMqUrl, REDIS_URL: redisUrl, MODEL_SIMULATOR_URL: simulator.baseUrl };
  const isIn = (requestId: string, state: string) =>
    until(`it is ${state}`, async () => (await queue.getJobState(jobIdOf(requestId))) === state, RECOVERY_MS);
  return { settings, client, simulator, redis, queue, isIn };
}

const question = (rest: object = {}) => ({
  requestId: randomUUID(),
  sessionId: 's',
  userId: 'u',
  message: 'What is it?',
  ...rest,
});

test('a worker killed after it announced a failure, before it moved the job: the failure stands, the model is not asked', async () => {
  const { settings, client, simulator, queue, isIn } = await startAround();
  const redis = await startTcpProxy(settings.REDIS_URL);
  const rabbitMq = await startTcpProxy(settings.RABBITMQ_URL);
  cleanups.push(
    () => redis.stop(),
    () => rabbitMq.stop(),
  );
  const killed = await startWorker({ ...settings, REDIS_URL: redis.url, RABBITMQ_URL: rabbitMq.url });

  // Redis knows all scripts from now on.
  const first = question({ deadline: new Date(Date.now() - 1_000).toISOString() });
  await client.ask(first);
  await isIn(first.requestId, 'failed');

  const late = question({ deadline: new Date(Date.now() - 1_000).toISOString() });
  redis.holdFromServer();
  await client.ask(late);
  await until('there is a job', () => queue.getJob(jobIdOf(late.requestId)));
  // The failure shall be announced, but its confirm held back.
  rabbitMq.holdFromServer();
  redis.release();
  await client.responseTo(late.requestId);
  redis.holdFromServer();
  rabbitMq.release();
  await until(
    'the worker has announced it',
    async () => (await metric(killed, 'healify_requests_finished_total', { status: 'failed' })) === 2,
  );
  // What it wrote next has reached Redis, whose reply does not reach the worker.
  await sleep(500);
  expect(await queue.getJobState(jobIdOf(late.requestId))).toBe('active');
  await killed.kill();

  const next = await startWorker(settings);
  await isIn(late.requestId, 'failed');
  await next.stop();
  expect((await simulator.stats()).started).toBe(0);
  expect(new Set(client.responses.map(({ status, error }) => `${status} ${error?.code}`))).toEqual(
    new Set(['failed deadline_exceeded']),
  );
});

test('an operator who retries a late request gets its answer, however late', async () => {
  const { settings, client, queue, isIn } = await startAround();
  await startWorker(settings);
  const late = question({ deadline: new Date(Date.now() - 1_000).toISOString() });
  await client.ask(late);
  await isIn(late.requestId, 'failed');
  await (await queue.getJob(jobIdOf(late.requestId)))!.retry();
  await isIn(late.requestId, 'completed');
  expect(client.responses.map(({ status }) => status)).toEqual(['failed', 'completed']);
});

test('a request that failed because its workers died is answered when an operator retries it', async () => {
  const { settings, client, redis, queue, isIn } = await startAround();
  const asked = { ...question(), version: 1 as const, context: [], cache: true, priority: 'interactive' as const };
  const job = { request: asked, traceparent: '00-0-0-00', receivedAt: new Date().toISOString() };
  await addJobs(queue, redis, [job], { attempts: 3 });
  const id = jobIdOf(asked.requestId);
  // As BullMQ counts each process that died.
  await redis.hset(queue.toKey(id), 'stc', 10);
  await startWorker({ ...settings, MAX_CRASHES: '3' });
  await isIn(asked.requestId, 'failed');
  expect((await queue.getJob(id))!.failedReason).toContain('worker_crashed');

  await (await queue.getJob(id))!.retry();
  await isIn(asked.requestId, 'completed');
  await until('both are told', () => client.responses.length === 2);
  expect(client.responses.map(({ status, error }) => [status, error?.code])).toEqual([
    ['failed', 'worker_crashed'],
    ['completed', undefined],
  ]);
});

test.each([
  ['the answer', '', 'completed'],
  ['the failure', '[[simulate status=500 latency=1s]]', 'failed'],
])('a job that is removed while the model is asked: its user gets %s all the same', async (_, marker, status) => {
  const { settings, client, simulator, queue } = await startAround();
  await simulator.behave({ latencyMs: 1_000 });
  await startWorker(settings);
  const asked = question({ message: `What is it? ${marker}` });
  await client.ask(asked);
  await until('the model is asked', async () => (await simulator.stats()).started === 1);
  await queue.obliterate({ force: true });
  expect((await client.responseTo(asked.requestId)).status).toBe(status);
});

test('a job that is removed while RabbitMQ is away: its user gets the failure once RabbitMQ is back', async () => {
  const { settings, client, simulator, queue } = await startAround();
  const rabbitMq = await startTcpProxy(settings.RABBITMQ_URL);
  cleanups.push(() => rabbitMq.stop());
  const worker = await startWorker({ ...settings, RABBITMQ_URL: rabbitMq.url });
  const asked = question({ message: 'What is it? [[simulate status=400 latency=3s]]' });
  await client.ask(asked);
  await until('the model is asked', async () => (await simulator.stats()).started === 1);
  // Its message is acknowledged a moment after its job is there, and would come again else.
  await sleep(1_000);
  rabbitMq.cut();
  await queue.obliterate({ force: true });
  await until('it cannot be announced', () => worker.output().includes('the failure could not be published'));
  rabbitMq.open();
  expect((await client.responseTo(asked.requestId)).status).toBe('failed');
  expect((await simulator.stats()).started).toBe(1);
});
