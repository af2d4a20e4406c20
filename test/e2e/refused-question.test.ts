import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { readFirstOpenTurn } from '../../src/adapters/conversations/open-turns.ts';
import { OPEN_TURNS_KEY } from '../../src/contracts/redis-keys.ts';
import { call, signUp } from '../api-client.ts';
import { startApi } from '../processes.ts';
import { privateRabbitMq, testRedisUrl } from '../services.ts';
import { startStandInWorker } from '../stand-in-worker.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';

/** What was started last is stopped first. */
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.splice(0)) await close();
});

test('a question that is refused because RabbitMQ is away is no open question; one that it may have got is still answered', async () => {
  const rabbitMq = await privateRabbitMq();
  closing.unshift(rabbitMq.stop);
  const proxy = await startTcpProxy(rabbitMq.url);
  closing.unshift(proxy.stop);
  const redis = new Redis(await testRedisUrl());
  closing.unshift(() => redis.disconnect());
  const { host, port, db } = redis.options;
  const api = await startApi({
    REDIS_URL: `redis://${host}:${port}/${db}`,
    RABBITMQ_URL: proxy.url,
    PUBLISH_TIMEOUT: '1s',
  });
  const user = await signUp(api.url);
  const readiness = async () => (await call(`${api.url}/health/ready`)).status;
  await until('the api is ready', async () => (await readiness()) === 200);
  const worker = await startStandInWorker(rabbitMq.url);

  // RabbitMQ gets the question, and is killed before the api hears that.
  proxy.holdFromServer();
  const uncertain = { message: 'Is it there?', sessionId: randomUUID(), newSession: true };
  expect(await user.send(uncertain)).toMatchObject({ status: 503 });
  const { request } = await until('the question', () => worker.deliveries[0]);
  await worker.stop();
  await rabbitMq.kill();
  proxy.open();
  await until('the api knows that RabbitMQ is away', async () => (await readiness()) === 503);
  expect(await redis.zcard(OPEN_TURNS_KEY)).toBe(1);
  expect(await readFirstOpenTurn(redis)).toBeUndefined();

  const refused = { message: 'Is anybody there?' };
  expect(await user.send(refused)).toMatchObject({ status: 503, body: { code: 'broker_unavailable' } });
  expect(await redis.zcard(OPEN_TURNS_KEY)).toBe(1);

  await rabbitMq.start();
  await until('the api is ready again', async () => (await readiness()) === 200, 60_000);
  const later = await startStandInWorker(rabbitMq.url);
  await later.answer(request, { response: 'It is.' });
  await until('the answer', async () => (await user.session(uncertain.sessionId)).body.response === 'It is.');
  expect(await redis.zcard(OPEN_TURNS_KEY)).toBe(0);
  await later.stop();
}, 180_000);
