import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { overview } from '../../src/contracts/http/overview-bodies.ts';
import { failureList, retryRun } from '../../src/contracts/http/retry-run-bodies.ts';
import { signUp } from '../api-client.ts';
import { makeOperator } from '../make-operator.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { goodClaims, signToken } from '../sign-token.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const JWT_SECRET = 'a-secret-of-the-test-that-is-long-enough';
const QUESTIONS = 12;
let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

test('when the api that retries all failed jobs of a cause is killed, the next one goes on, and asks no question twice', async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl(), JWT_SECRET };
  const [first] = await Promise.all([startApi(env), startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl })]);
  const claims = goodClaims({ roles: ['admin'], role: 'admin', exp: Math.floor(Date.now() / 1000) + 600 });
  const authorization = `Bearer ${signToken({ header: { alg: 'HS256' }, payload: claims }, JWT_SECRET)}`;
  const headers = { authorization, 'content-type': 'application/json' };
  await makeOperator(env.REDIS_URL);
  const user = await signUp(first.url);
  // They fail again when they are retried.
  const ask = (n: number) => user.send({ message: `Fail ${n}. [[simulate status=400]]` }, { Prefer: 'wait=20' });
  const asked = await Promise.all(Array.from({ length: QUESTIONS }, (_, n) => ask(n)));
  for (const { body } of asked) expect(body).toMatchObject({ status: 'failed', error: { code: 'model_rejected' } });
  const get = async (url: string, path: string) => await (await fetch(`${url}/admin${path}`, { headers })).json();
  const countFailed = async (url: string) => failureList.parse(await get(url, '/failures')).counted;
  // The user is told a moment before the job is moved.
  await until('all have failed', async () => (await countFailed(first.url)) === QUESTIONS);
  expect((await simulator.stats()).started).toBe(QUESTIONS);

  const body = JSON.stringify({ code: 'model_rejected', rate: 4 });
  const started = await fetch(`${first.url}/admin/retry-runs`, { method: 'POST', headers, body });
  const { id, matching } = retryRun.parse(await started.json());
  expect(matching).toBe(QUESTIONS);
  const look = async (url: string) => retryRun.parse(await get(url, `/retry-runs/${id}`));
  await until('it is under way', async () => (await look(first.url)).retried >= 2);
  await first.kill();

  const second = await startApi(env);
  const ended = await until('the run has ended', async () => {
    const run = await look(second.url);
    return run.endedAt ? run : undefined;
  });
  expect(ended).toMatchObject({ state: 'finished', retried: QUESTIONS, left: 0 });
  await until('all have failed again', async () => (await countFailed(second.url)) === QUESTIONS);
  expect((await simulator.stats()).started).toBe(2 * QUESTIONS);
  const seen = overview.parse(await get(second.url, '/overview'));
  expect(seen.retryRuns).toMatchObject([{ id, state: 'finished' }]);
});
