import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openChatQueue } from '../../../src/adapters/jobs/job-shards.ts';
import { startWorker } from '../../processes.ts';
import { startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { startSimulator } from '../../start-simulator.ts';
import { until } from '../../until.ts';

const EACH = 10;
/** At most 14 s, and more for a busy machine. */
const TAKEN_UP_MS = 30_000;
/** Longer than a lock lives, and than it takes to take the killed worker's jobs up. */
const CALL_MS = 45_000;

const questions = (whose: string) =>
  Array.from({ length: EACH }, (_, index) => ({
    requestId: randomUUID(),
    sessionId: `session-${whose}-${index}`,
    userId: `user-${index}`,
    message: `Question ${index} of the ${whose} worker`,
  }));

/** A part of the 5 s that a worker may be halted. Jobs have no lock yet when it begins. */
const HALT_MS = 3_000;
const HALTS = 3;

const startAround = async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  const simulator = await startSimulator();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    MODEL_TIMEOUT: '120s',
  };
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  const noJobsAreLeft = async () => {
    const redis = new Redis(settings.REDIS_URL, { maxRetriesPerRequest: null });
    const queue = openChatQueue(redis);
    await until('no job is left', async () => {
      const counts = await queue.getJobCounts('active', 'wait', 'prioritized', 'delayed');
      return Object.values(counts).every((count) => count === 0);
    });
    await queue.close();
    redis.disconnect();
  };
  return { simulator, settings, client, noJobsAreLeft };
};

test('a worker that is halted for a moment loses none of its jobs', async () => {
  const { simulator, settings, client, noJobsAreLeft } = await startAround();
  await simulator.behave({ latencyMs: 2_000 });
  const halted = await startWorker(settings);
  const other = await startWorker(settings);
  const asked: ReturnType<typeof questions> = [];
  for (let halt = 1; halt <= HALTS; halt += 1) {
    const those = [...questions(`${halt}a`), ...questions(`${halt}b`)];
    asked.push(...those);
    await client.ask(...those);
    await until('all are asked', async () => (await simulator.stats()).started >= asked.length);
    process.kill(halted.pid, 'SIGSTOP');
    await sleep(HALT_MS);
    process.kill(halted.pid, 'SIGCONT');
    await until('all are answered', () => client.responses.length >= asked.length);
  }
  // A job that was taken up again would be in hand until it is answered again.
  await noJobsAreLeft();
  await Promise.all([halted.stop(), other.stop()]);
  expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
    asked.map(({ requestId }) => requestId).sort(),
  );
  expect((await simulator.stats()).started).toBe(asked.length);
  await simulator.stop();
});

test('a worker whose clock is set back keeps its jobs: each runs once', async () => {
  const { simulator, settings, client } = await startAround();
  await simulator.behave({ latencyMs: 25_000 });
  const worker = await startWorker({
    ...settings,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, '../../clock-set-back.ts')}`,
  });
  const asked = questions('set back');
  await client.ask(...asked);
  await until('all are asked', async () => (await simulator.stats()).started === EACH);
  process.kill(worker.pid, 'SIGUSR2');
  await until('all are answered', () => client.responses.length >= EACH, 60_000);
  await worker.stop();
  expect((await simulator.stats()).started).toBe(EACH);
  expect(client.responses).toHaveLength(EACH);
  await simulator.stop();
});

test('the jobs of a killed worker are taken up by another, and no job of a healthy one runs twice', async () => {
  const { simulator, settings, client } = await startAround();
  await simulator.behave({ latencyMs: CALL_MS });

  const killed = await startWorker({ ...settings, WORKER_CONCURRENCY: String(EACH) });
  const itsOwn = questions('killed');
  await client.ask(...itsOwn);
  await until('it is busy', async () => (await simulator.stats()).inFlight === EACH);
  const healthy = await startWorker({ ...settings, WORKER_CONCURRENCY: String(3 * EACH) });
  const others = questions('healthy');
  await client.ask(...others);
  await until('both are busy', async () => (await simulator.stats()).inFlight === 2 * EACH);

  await killed.kill();
  await until('its jobs are taken up', async () => (await simulator.stats()).started === 3 * EACH, TAKEN_UP_MS);
  await until('all are answered', () => client.responses.length >= 2 * EACH, 120_000);
  await healthy.stop();

  const asked = [...itsOwn, ...others];
  expect(client.responses.map(({ requestId }) => requestId).sort()).toEqual(
    asked.map(({ requestId }) => requestId).sort(),
  );
  expect(new Set(client.responses.map(({ status }) => status))).toEqual(new Set(['completed']));
  const calls = await simulator.calls();
  const callsFor = ({ message }: { message: string }) => calls.filter(({ text }) => text === message).length;
  expect(others.map(callsFor)).toEqual(others.map(() => 1));
  expect(itsOwn.map(callsFor)).toEqual(itsOwn.map(() => 2));
  await simulator.stop();
}, 300_000);
