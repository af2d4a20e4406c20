import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { OPEN_TURNS_KEY } from '../../src/contracts/redis-keys.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let api: TestProcess;
let redis: Redis;
let user: TestUser;

beforeAll(async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  redis = new Redis(env.REDIS_URL);
  simulator = await startSimulator();
  [api] = await Promise.all([
    startApi({ ...env, REQUEST_DEADLINE: '4s', DEADLINE_GRACE: '1s' }),
    startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl }),
  ]);
  user = await signUp(api.url);
});
afterAll(async () => {
  await simulator.stop();
  redis.disconnect();
});

test('questions whose jobs have disappeared end soon after their deadline, though nobody asks for them', async () => {
  const queue = openChatQueue(redis);
  await queue.pause();
  const asked = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => (await user.send({ message: `Question ${i}?` })).body),
  );
  await until('all of them wait', async () => {
    const { prioritized = 0, wait = 0, paused = 0 } = await queue.getJobCounts();
    return prioritized + wait + paused === 5;
  });
  await queue.drain(true);
  await queue.resume();
  await queue.close();

  // By the metric alone: no session is read before they have ended.
  await until('they are counted', async () => (await lostCount()) === 5);
  for (const { sessionId, requestId } of asked) {
    expect((await user.session(sessionId)).body).toMatchObject({
      status: 'failed',
      position: null,
      turns: [{ requestId, status: 'failed', error: { code: 'deadline_exceeded', retryable: true } }],
    });
  }
  expect(api.output()).toContain('a question was lost');
  expect(await redis.zcard(OPEN_TURNS_KEY)).toBe(0);
});

test('a question that is answered late is not ended meanwhile', async () => {
  await simulator.behave({ latencyMs: 8_000 });
  const lost = await lostCount();
  const answer = await user.send({ message: 'Is patience healthy?' }, { Prefer: 'wait=20' });
  expect(answer.body).toMatchObject({ status: 'completed' });
  expect(await lostCount()).toBe(lost);
  await simulator.behave({});
});

async function lostCount(): Promise<number> {
  const text = await (await fetch(api.metricsUrl)).text();
  return Number(/^healify_questions_lost_total(?:\{.*\})? (\d+)/m.exec(text)?.[1]);
}
