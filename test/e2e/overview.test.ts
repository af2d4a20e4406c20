import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { depthHistory, type Overview, overview } from '../../src/contracts/http/overview-bodies.ts';
import { failureList } from '../../src/contracts/http/retry-run-bodies.ts';
import { signUp } from '../api-client.ts';
import { makeOperator } from '../make-operator.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, signToken } from '../sign-token.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const JWT_SECRET = 'a-secret-of-the-test-that-is-long-enough';
let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

test('an operator sees processes, servers, queues, gates, and why jobs failed, and a pause that a script has made', async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), JWT_SECRET };
  const [api] = await Promise.all([startApi(env), startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl })]);
  await makeOperator(env.REDIS_URL);
  const claims = goodClaims({ roles: ['admin'], role: 'admin', exp: Math.floor(Date.now() / 1000) + 600 });
  const token = signToken({ header: { alg: 'HS256' }, payload: claims }, JWT_SECRET);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const get = async (path: string) => await (await fetch(`${api.url}/admin${path}`, { headers })).json();
  const look = async (): Promise<Overview> => overview.parse(await get('/overview'));

  const user = await signUp(api.url);
  const failed = await user.send({ message: 'Fail. [[simulate status=400]]' }, { Prefer: 'wait=20' });
  expect(failed.body).toMatchObject({ status: 'failed' });
  const seen = await until('the failure is seen', async () => {
    const now = await look();
    return now.failures?.length && now.queues && now.processes?.length === 2 ? now : undefined;
  });
  expect(seen.servers).toEqual([
    { server: 'rabbitmq', state: 'up', detail: null, members: null },
    { server: 'redis', state: 'up', detail: null, members: null },
  ]);
  expect(seen.failures).toMatchObject([{ code: 'model_rejected', count: 1 }]);
  expect(seen.gates).toMatchObject([{ state: 'open' }]);
  expect(seen.intake).toEqual({ paused: false, since: null, by: null });
  expect(failureList.parse(await get('/failures'))).toMatchObject({
    counted: 1,
    failures: [{ example: expect.any(String) }],
  });
  expect(depthHistory.parse(await get('/history')).series.length).toBeGreaterThan(0);

  const paused = await fetch(`${api.url}/admin/intake/pause`, { method: 'POST', headers, body: '{}' });
  expect(await paused.json()).toMatchObject({ changed: true, effects: { workers: 1 } });
  const warned = await until('the pause is shown', async () => {
    const now = await look();
    return now.intake?.paused ? now : undefined;
  });
  expect(warned.warnings).toEqual([expect.stringContaining('The intake has been paused since')]);
});
