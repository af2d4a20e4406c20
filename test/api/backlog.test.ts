import { beforeAll, expect, test } from '@jest/globals';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

const QUESTIONS = 80;

let api: TestProcess;
let strict: TestProcess;
let user: TestUser;
beforeAll(async () => {
  const simulator = await startSimulatorProcess();
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    RATE_SEND_PER_MINUTE: '10000',
    RATE_READ_PER_MINUTE: '100000',
  };
  api = await startApi(env);
  strict = await startApi({ ...env, SHED_ABOVE: '10' });
  await startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.url, WORKER_CONCURRENCY: '1', BRIDGE_HIGH_WATER: '20' });
  user = await signUp(api.url);
});

interface Standing {
  status: string;
  position: number | null;
  etaMs: number | null;
}
const standingOf = async (sessionId: string) => (await user.session(sessionId)).body as unknown as Standing;
const ask = async (at: TestUser, i: number) => at.send({ message: `Question ${i} [[simulate latency=200ms]]` });

test('a question says how many are before it and when its answer is to be expected, and a line that is full lets nobody in', async () => {
  const askedAt = Date.now();
  const before = Array.from({ length: QUESTIONS - 1 }, (_, i) => ask(user, i));
  await Promise.all(before);
  const sent = (await ask(user, QUESTIONS)).body as unknown as Standing & { sessionId: string };
  const last = sent.sessionId;
  // A busy machine answers many of them while the others are being sent.
  expect(sent.position).toBeGreaterThan(QUESTIONS / 4);

  await until('the drain rate is known', async () => (await standingOf(last)).etaMs !== null);
  const refused = await ask(user.at(strict.url), 1_000);
  expect(refused).toMatchObject({ status: 503, body: { code: 'overloaded' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);

  // The rate of the first second or two is that of a worker and a machine that are just beginning.
  const first = await standingOf(last);
  await until('some are worked off', async () => (await standingOf(last)).position! < first.position! - 15, 60_000);
  const earlier = await standingOf(last);
  const workedOff = QUESTIONS - earlier.position!;
  // What the line has shown so far. How fast a busy machine goes on is not known.
  const expectedMs = (earlier.position! / workedOff) * (Date.now() - askedAt);
  expect(earlier.status).toBe('queued');
  expect(earlier.etaMs!).toBeGreaterThan(expectedMs / 4);
  expect(earlier.etaMs!).toBeLessThan(expectedMs * 4);
  await until('it comes nearer', async () => (await standingOf(last)).position! < earlier.position! - 10, 60_000);
  await until('the answer', async () => (await standingOf(last)).status === 'completed', 60_000);
  expect(await standingOf(last)).toMatchObject({ position: null, etaMs: null });

  const { items } = (await user.history('?limit=100')).body;
  expect(items).toHaveLength(QUESTIONS);
  await until('the line is short again', async () => (await ask(user.at(strict.url), 1_001)).status === 202);
});
