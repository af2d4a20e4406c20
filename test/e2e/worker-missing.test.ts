import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Health } from '../../src/contracts/http/health.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

test('a worker that was killed is seen from the api within seconds, and the api stays ready', async () => {
  const env = {
    RABBITMQ_URL: await testRabbitMqUrl(),
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  };
  const [api, worker] = await Promise.all([startApi(env), startWorker(env)]);
  const health = async () => (await (await fetch(`${api.url}/health`)).json()) as Health;
  const rolesOf = async (state: string) =>
    ((await health()).processes ?? []).filter((one) => one.state === state).map(({ role }) => role);
  const metrics = async () => await (await fetch(api.metricsUrl)).text();

  await until('both are alive', async () => (await rolesOf('alive')).length === 2);
  expect((await health()).warnings).toEqual([]);
  expect(await metrics()).toMatch(/healify_processes\{role="worker",version="[^"]+",state="alive"[,}]/);

  await worker.kill();
  const killedAt = performance.now();
  await until('it is missing', async () => (await rolesOf('missing')).includes('worker'));
  expect(performance.now() - killedAt).toBeLessThan(15_000);
  expect((await health()).warnings).toContainEqual(expect.stringMatching(/^No worker is alive/));
  expect((await fetch(`${api.url}/health/ready`)).status).toBe(200);
  expect(await metrics()).toMatch(/healify_processes\{role="worker",version="[^"]+",state="missing"[,}]/);

  const second = await startWorker(env);
  await until('another is alive', async () => (await rolesOf('alive')).includes('worker'));
  await second.stop();
  expect(await rolesOf('alive')).toEqual(['api']);
});
