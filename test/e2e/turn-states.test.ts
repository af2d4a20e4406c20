import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SessionNow } from '../../src/contracts/http/chat-bodies.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let worker: TestProcess;
let user: TestUser;

beforeAll(async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  simulator = await startSimulator();
  const settings = { MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '1h', RETRY_MAX: '1h' };
  const [api, started] = await Promise.all([startApi(env), startWorker({ ...env, ...settings })]);
  worker = started;
  user = await signUp(api.url);
});
afterAll(() => simulator.stop());

const sessionOf = async (sessionId: string) => (await user.session(sessionId)).body as unknown as SessionNow;

test('ten questions asked one after the other on an idle system are each next, and their answers to be expected', async () => {
  await user.send({ message: 'The first one. [[simulate latency=100ms]]' }, { Prefer: 'wait=20' });
  for (let i = 0; i < 10; i++) {
    const { body } = await user.send({ message: `Question ${i}. [[simulate latency=100ms]]` });
    expect(body).toMatchObject({ status: 'queued', position: 0, etaMs: expect.any(Number) });
    await user.get(`/chat/session/${body.sessionId}`, { Prefer: 'wait=20' });
  }
});

test('a question says that the model is being asked, and no time once that takes longer than it ever did', async () => {
  const { sessionId } = (await user.send({ message: 'Slow. [[simulate latency=15s]]' })).body;
  await until('the model is asked', async () => (await sessionOf(sessionId)).status === 'asking');
  await until('it takes longer than the others', async () => (await sessionOf(sessionId)).etaMs === null);
  const now = await sessionOf(sessionId);
  expect(now).toMatchObject({ position: 0, turns: [{ status: 'asking', attempts: 1, retry: null }] });
  const [item] = (await user.history('?limit=1')).body.items;
  expect(item).toMatchObject({ sessionId, status: 'asking', attempts: 1 });
});

test('a question whose attempt has failed says since when, why, and when it goes on', async () => {
  const askedAt = Date.now();
  const { sessionId } = (await user.send({ message: 'Down. [[simulate status=500]]' })).body;
  const now = await until('it is to be repeated', async () => {
    const session = await sessionOf(sessionId);
    return session.status === 'retrying' ? session : undefined;
  });
  expect(now).toMatchObject({ response: null, position: 0, turns: [{ status: 'retrying', attempts: 1 }] });
  const { code, since, nextAt } = now.turns[0]!.retry!;
  expect(code).toMatch(/^model_/);
  expect(Date.parse(since)).toBeGreaterThanOrEqual(askedAt - 1_000);
  expect(Date.parse(nextAt)).toBeGreaterThanOrEqual(Date.parse(since));
});

test('with no worker there, no time is told', async () => {
  await worker.kill();
  const asked = await until('that is seen', async () => {
    const { body } = await user.send({ message: 'Is anybody there?' });
    return (body as unknown as SessionNow).etaMs === null ? body : undefined;
  });
  expect(await sessionOf(asked.sessionId)).toMatchObject({ status: 'queued', etaMs: null });
});
