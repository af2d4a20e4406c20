import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { textOf } from '../redis-text.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let api: TestProcess;
let worker: TestProcess;
let redis: Redis;
let ann: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  redis = new Redis(env.REDIS_URL);
  simulator = await startSimulator();
  const settings = { MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '1h', RETRY_MAX: '1h' };
  [api, worker] = await Promise.all([startApi(env), startWorker({ ...env, ...settings })]);
  [ann, bob] = [await signUp(api.url), await signUp(api.url)];
});
afterAll(async () => {
  await simulator.stop();
  redis.disconnect();
});
beforeEach(() => simulator.reset());

const ask = async (user: TestUser, message: string) => {
  const { status, body } = await user.send({ message }, { Prefer: 'wait=20' });
  expect({ status, state: body.status }).toEqual({ status: 200, state: 'completed' });
  return body;
};
const calls = async () => (await simulator.stats()).started;

test('a cached answer serves the user who asked for it, and nobody else', async () => {
  const message = `Is ${randomUUID()} healthy?`;
  expect(await ask(ann, message)).toMatchObject({ cached: false });
  expect(await ask(ann, message)).toMatchObject({ cached: true });
  expect(await ask(bob, message)).toMatchObject({ cached: false });
  expect(await calls()).toBe(2);
});

test('after a session is erased its answer is kept nowhere, and the same question asks the model again', async () => {
  const secret = randomUUID();
  const { sessionId, response } = await ask(ann, `Is ${secret} healthy?`);
  expect((await ann.delete(`/chat/session/${sessionId}`)).status).toBe(204);
  await until('nothing is left', async () => {
    const kept = await textOf(redis);
    return !kept.includes(secret) && !kept.includes(response!);
  });
  expect(await ask(ann, `Is ${secret} healthy?`)).toMatchObject({ cached: false });
  expect(await calls()).toBe(2);
});

test('a session that is erased while the model is asked leaves nothing, once the work on it has stopped', async () => {
  const secret = randomUUID();
  await simulator.behave({ latencyMs: 60_000 });
  const { sessionId } = (await ann.send({ message: `Is ${secret} healthy?` })).body;
  await until('the model is asked', async () => (await simulator.stats()).inFlight === 1);
  expect((await ann.delete(`/chat/session/${sessionId}`)).status).toBe(204);
  await until('the call is given up', async () => (await simulator.stats()).abortedByClient === 1);
  await until('nothing is left', async () => !(await textOf(redis)).includes(secret));
  // What is erased on purpose is not lost.
  expect(worker.output()).not.toMatch(/jobs were lost|no longer ours/);
  await simulator.behave({});
});

test.each([
  ['failed', 'status=400'],
  ['retrying', 'status=500'],
])('a session whose question is %s leaves nothing when it is erased', async (status, marker) => {
  const secret = randomUUID();
  const { sessionId } = (await ann.send({ message: `Is ${secret} healthy? [[simulate ${marker}]]` })).body;
  await until(`it is ${status}`, async () => (await ann.session(sessionId)).body.turns.at(-1)?.status === status);
  expect((await ann.delete(`/chat/session/${sessionId}`)).status).toBe(204);
  await until('nothing is left', async () => !(await textOf(redis)).includes(secret));
});
