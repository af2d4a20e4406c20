import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { call, signUp, type TestUser } from '../api-client.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { type StandInWorker, startStandInWorker } from '../stand-in-worker.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';

/** Well above what a refusal takes, well below where a caller gives up. */
const QUICKLY_MS = 5_000;

let rabbitMq: Awaited<ReturnType<typeof startTcpProxy>>;
let redis: Awaited<ReturnType<typeof startTcpProxy>>;
let api: TestProcess;
let worker: StandInWorker;
let user: TestUser;

beforeAll(async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  rabbitMq = await startTcpProxy(rabbitMqUrl);
  redis = await startTcpProxy(await testRedisUrl());
  api = await startApi({
    REDIS_URL: redis.url,
    RABBITMQ_URL: rabbitMq.url,
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    PUBLISH_TIMEOUT: '1s',
    STORE_TIMEOUT: '1s',
    RATE_SEND_PER_MINUTE: '10000',
    RATE_READ_PER_MINUTE: '100000',
  });
  worker = await startStandInWorker(rabbitMqUrl);
  user = await signUp(api.url);
});
afterAll(async () => {
  await worker.stop();
  await Promise.all([rabbitMq.stop(), redis.stop()]);
});
beforeEach(async () => {
  rabbitMq.open();
  redis.open();
  await until('everything is up', async () => (await call(`${api.url}/health/ready`)).status === 200);
});

async function quickly<T>(what: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const result = await what();
  expect(Date.now() - startedAt).toBeLessThan(QUICKLY_MS);
  return result;
}

const asks = [
  () => user.send({ message: 'Is anybody there?' }),
  () => user.send({ message: 'I can wait.' }, { Prefer: 'wait=20' }),
  () => user.session(randomUUID()),
  () => user.history(),
  () => user.delete(`/chat/session/${randomUUID()}`),
  () => call(`${api.url}/auth/login`, login),
];

const down = async (name: 'redis' | 'rabbitmq') =>
  until(`${name} is seen to be down`, async () => {
    const { status, body } = await call(`${api.url}/health/ready`);
    const { checks } = body as unknown as { checks: Record<string, { status: string }> };
    return status === 503 && checks[name]?.status === 'down';
  });

test.each(['cut', 'silence'] as const)(
  'RabbitMQ gone (%s): a question is refused quickly, says when to come back, and leaves nothing to be seen',
  async (how) => {
    const before = (await user.history('?limit=100')).body.items.length;
    rabbitMq[how]();
    if (how === 'cut') await down('rabbitmq');
    const refused = await quickly(() => user.send({ message: 'Is anybody there?' }));
    expect(refused).toMatchObject({ status: 503, body: { code: 'broker_unavailable' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await user.history('?limit=100')).body.items).toHaveLength(before);
  },
);

test('a question that was refused is accepted when it is repeated with its Idempotency-Key, as one', async () => {
  const key = { 'Idempotency-Key': randomUUID() };
  rabbitMq.cut();
  await down('rabbitmq');
  expect((await user.send({ message: 'Again?' }, key)).status).toBe(503);
  rabbitMq.open();
  const accepted = await until('it is accepted', async () => {
    const answer = await user.send({ message: 'Again?' }, key);
    return answer.status === 202 ? answer : undefined;
  });
  const { request } = await worker.delivery(accepted.body.requestId);
  await worker.answer(request, { response: 'Yes.' });
  const session = await until('the answer', async () => {
    const { body } = await user.session(request.sessionId);
    return body.response ? body : undefined;
  });
  expect(session.turns).toHaveLength(1);
  expect((await user.send({ message: 'Again?' }, key)).body.requestId).toBe(request.requestId);
});

test.each(['cut', 'silence'] as const)(
  'Redis gone (%s): every endpoint says so quickly, and none hangs',
  async (how) => {
    redis[how]();
    for (const ask of asks) {
      const answer = await quickly(ask);
      expect(answer).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await quickly(() => call(`${api.url}/health/live`))).status).toBe(200);
    await quickly(() => down('redis'));
  },
);

test.each([
  'ERR max requests limit exceeded. Limit: 500000, Usage: 500000.',
  "NOPERM this user has no permissions to run the 'evalsha' command",
  "ERR Error running script (call to f_0a9f75e991483d02789696e4c90d26c10395863e): @user_script:1: -READONLY You can't write",
  'MOVED 3999 127.0.0.1:6381',
  'EOOPS what nobody has a name for',
])('a Redis that says "%s" is away for whoever asks', async (error) => {
  redis.refuse(error);
  for (const ask of asks) {
    expect(await quickly(ask)).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
  }
  expect((await quickly(() => call(`${api.url}/health/live`))).status).toBe(200);
  await quickly(() => down('redis'));
});

test('an answer that comes while Redis is away is written down when it is back', async () => {
  const sent = await until('it is accepted', async () => {
    const answer = await user.send({ message: 'Later?' });
    return answer.status === 202 ? answer : undefined;
  });
  const { request } = await worker.delivery(sent.body.requestId);
  redis.cut();
  await down('redis');
  await worker.answer(request, { response: 'Better late than never.' });
  redis.open();
  await until('the answer', async () => {
    const { body } = await user.session(request.sessionId);
    return body.response === 'Better late than never.';
  });
});

const login: RequestInit = {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ email: 'a@example.com', password: 'three-brown-otters' }),
};
