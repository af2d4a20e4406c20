import { beforeAll, expect, test } from '@jest/globals';
import { postJson, signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let api: TestProcess;
let simulatorUrl: string;
let user: TestUser;
beforeAll(async () => {
  const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  const simulator = await startSimulatorProcess();
  simulatorUrl = simulator.url.replace(/\/v1$/, '');
  const settings = { WORKER_CONCURRENCY: '1', MODEL_TIMEOUT: '60s', RETRY_BASE: '1h', RETRY_MAX: '1h' };
  const worker = { ...env, ...settings, MODEL_SIMULATOR_URL: simulator.url };
  api = await startApi(env);
  await Promise.all([startWorker(worker), startWorker(worker)]);
  user = await signUp(api.url);
});

interface Stats {
  started: number;
  inFlight: number;
  abortedByClient: number;
}
const stats = async () => (await (await fetch(`${simulatorUrl}/control/stats`)).json()) as Stats;
const ask = async (message: string) => (await user.send({ message })).body.sessionId;
const cancel = (sessionId: string) =>
  postJson(`${api.url}/chat/session/${sessionId}/cancel`, {}, { Authorization: `Bearer ${user.accessToken}` });

test('a question is cancelled wherever it is: at the model, in the queue, or before a retry', async () => {
  const delayed = await ask('Later. [[simulate status=500]]');
  await until('the model has been asked', async () => (await stats()).started === 1 && (await stats()).inFlight === 0);
  const active = [await ask('One. [[simulate mode=hang]]'), await ask('Two. [[simulate mode=hang]]')];
  await until('both workers ask the model', async () => (await stats()).inFlight === 2);
  const waiting = await ask('Three.');

  for (const sessionId of [waiting, delayed, ...active]) {
    expect(await cancel(sessionId)).toMatchObject({ status: 200, body: { status: 'cancelled', response: null } });
  }
  await until('no call is under way', async () => (await stats()).inFlight === 0);
  expect(await stats()).toMatchObject({ started: 3, abortedByClient: 2 });
  const after = await user.send({ message: 'Is a worker free again?' }, { Prefer: 'wait=20' });
  expect(after.body.status).toBe('completed');
  for (const sessionId of [waiting, delayed, ...active]) {
    expect((await user.session(sessionId)).body).toMatchObject({ status: 'cancelled' });
  }
  expect((await stats()).started).toBe(4);
});
