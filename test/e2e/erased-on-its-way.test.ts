import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobIdOf } from '../../src/adapters/jobs/chat-job.ts';
import { openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { signUp } from '../api-client.ts';
import { startApi, startWorker } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';

let simulator: TestSimulator;
let redis: Redis;
let rabbitMq: Awaited<ReturnType<typeof startTcpProxy>>;
let env: Record<string, string>;

beforeAll(async () => {
  env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  redis = new Redis(env.REDIS_URL!);
  simulator = await startSimulator();
  rabbitMq = await startTcpProxy(env.RABBITMQ_URL!);
});
afterAll(async () => {
  await Promise.all([simulator.stop(), rabbitMq.stop()]);
  redis.disconnect();
});

test('a question whose confirm was lost, and whose session is erased then, is not sent to the provider', async () => {
  const api = await startApi({ ...env, RABBITMQ_URL: rabbitMq.url, PUBLISH_TIMEOUT: '1s' });
  const user = await signUp(api.url);
  const sessionId = randomUUID();
  rabbitMq.holdFromServer();
  const refused = await user.send({ message: 'Is anybody there?', sessionId, newSession: true });
  expect(refused).toMatchObject({ status: 503, body: { code: 'broker_unavailable' } });
  const [requestId] = (await redis.hkeys(`{chat:session:${sessionId}}:turns`))
    .filter((field) => field.endsWith(':q'))
    .map((field) => field.slice(0, -2));
  rabbitMq.release();
  expect((await user.delete(`/chat/session/${sessionId}`)).status).toBe(204);

  await startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl });
  const queue = openChatQueue(redis);
  await until('the request has come, and ended', async () => {
    return (await queue.getJobState(jobIdOf(requestId!))) === 'unknown' && (await hasDroppedAnswer(api.metricsUrl));
  });
  expect((await simulator.stats()).started).toBe(0);
  await queue.close();
});

/** The api has dropped the answer of an erased session. */
async function hasDroppedAnswer(metricsUrl: string): Promise<boolean> {
  const text = await (await fetch(metricsUrl)).text();
  return /^healify_responses_settled_total\{.*outcome="erased".*\} 1/m.test(text);
}
