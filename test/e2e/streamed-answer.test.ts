import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisLogReader } from '../../src/adapters/answer-log/redis-log-reader.ts';
import { createRedisLogWriter } from '../../src/adapters/answer-log/redis-log-writer.ts';
import { redisKeys } from '../../src/contracts/redis-keys.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import { readAll, textOf } from '../adapters/answer-log/answer-log-contract.ts';
import { postJson, signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { startRedisMonitor } from '../redis-monitor.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let api: TestProcess;
let worker: TestProcess;
let user: TestUser;
let redis: Redis;
let redisUrl: string;
let subscriber: Redis;
let reader: ReturnType<typeof createRedisLogReader>;
beforeAll(async () => {
  const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  const simulator = await startSimulatorProcess();
  redisUrl = env.REDIS_URL;
  redis = new Redis(redisUrl);
  subscriber = new Redis(env.REDIS_URL, { autoResubscribe: false });
  reader = createRedisLogReader({ redis, subscriber, seals: plainTexts });
  const workerEnv = { ...env, MODEL_TIMEOUT: '60s', MODEL_SIMULATOR_URL: simulator.url };
  [api, worker] = await Promise.all([startApi(env), startWorker(workerEnv)]);
  user = await signUp(api.url);
});
afterAll(() => {
  reader?.stop();
  redis?.disconnect();
  subscriber?.disconnect();
});

async function* read(requestId: string) {
  for await (const events of reader.read({ requestId, userId: user.userId }, -1)) yield* events;
}
const cancel = (requestId: string) =>
  postJson(`${api.url}/chat/requests/${requestId}/cancel`, {}, { Authorization: `Bearer ${user.accessToken}` });

test('a streamed question has a log that begins with queued, and ends with the answer that its session shows', async () => {
  const asked = await user.send({ message: 'What is healthy?', stream: true }, { Prefer: 'wait=20' });
  expect(asked.body.status).toBe('completed');
  const events = await readAll(read(asked.body.requestId));
  expect(events[0]?.event.type).toBe('queued');
  expect(events.at(-1)?.event.type).toBe('completed');
  expect(textOf(events)).toBe(asked.body.response);
});

test('a cached answer is one delta and completed', async () => {
  const message = `Is it cached? ${randomUUID()}`;
  await user.send({ message }, { Prefer: 'wait=20' });
  const asked = await user.send({ message, stream: true }, { Prefer: 'wait=20' });
  expect(asked.body.cached).toBe(true);
  const events = await readAll(read(asked.body.requestId));
  expect(events.map(({ event }) => event.type)).toEqual(['queued', 'started', 'delta', 'completed']);
  expect(textOf(events)).toBe(asked.body.response);
});

test('a question that nobody streams has no log', async () => {
  const asked = await user.send({ message: 'Not streamed?' }, { Prefer: 'wait=20' });
  expect(await redis.exists(redisKeys.answerLog(asked.body.requestId))).toBe(0);
});

test('a stopped question keeps its text so far, in the log and in the session', async () => {
  const asked = await user.send({ message: 'Stop? [[simulate mode=hang]]', stream: true });
  const { requestId } = asked.body;
  await readAll(read(requestId), 2);
  // Another attempt has written this. The worker, which does not know that text, must not tell its own end first.
  process.kill(worker.pid, 'SIGSTOP');
  const log = createRedisLogWriter({ redis, seals: plainTexts, ttlMs: 60_000 }).open({
    ...{ requestId, userId: user.userId, epoch: 1_000, attempt: 2, deadlineAt: Date.now() + 60_000 },
  });
  log.begun({ provider: 'p', model: 'm' });
  log.text('Eat vege');
  await log.close();
  const stopped = await cancel(requestId).finally(() => process.kill(worker.pid, 'SIGCONT'));
  expect(stopped.body).toMatchObject({ status: 'cancelled', response: 'Eat vege', finishReason: 'cancelled' });
  const events = await readAll(read(requestId));
  expect(events.at(-1)?.event.type).toBe('cancelled');
  expect(textOf(events)).toBe('Eat vege');
  expect((await user.session(asked.body.sessionId)).body).toMatchObject({ response: 'Eat vege' });
});

test('a question that is stopped while the model writes ends with the text so far, and its tokens are counted', async () => {
  const asked = await user.send({ message: 'Stop me? [[simulate tokens-per-second=20 tokens=600]]', stream: true });
  const { requestId } = asked.body;
  await readAll(read(requestId), 8);
  const stopped = await cancel(requestId);
  expect(stopped.body).toMatchObject({ status: 'cancelled', finishReason: 'cancelled' });
  const events = await readAll(read(requestId));
  expect(events.at(-1)?.event.type).toBe('cancelled');
  expect(textOf(events)).toBe(stopped.body.response);
  expect(textOf(events)).not.toBe('');
  const counted = /^healify_uncertain_spend_tokens_total\{why="aborted".*\} [1-9]/m;
  await until('its tokens are counted', async () => counted.test(await (await fetch(worker.metricsUrl)).text()));
  const turn = await until('its turn says them', async () => {
    const [found] = (await user.session(asked.body.sessionId)).body.turns;
    return found?.partialUsage ? found : undefined;
  });
  expect(turn).toMatchObject({ status: 'cancelled', usage: null, response: stopped.body.response });
  expect(turn.partialUsage).toEqual({ completionTokens: expect.any(Number), estimated: true });
  expect(turn.partialUsage!.completionTokens).toBeGreaterThan(4);
});

test('questions that are stopped together, while the model writes fast, each have one text in the log and in the session', async () => {
  const message = 'Together? [[simulate tokens-per-second=200 tokens=4000]]';
  const first = await user.send({ message, stream: true, cache: false });
  const { sessionId } = first.body;
  const asked = await Promise.all(
    Array.from({ length: 15 }, () => user.send({ message, sessionId, stream: true, cache: false })),
  );
  const requestIds = [first, ...asked].map(({ body }) => body.requestId);
  await Promise.all(requestIds.map((requestId) => readAll(read(requestId), 10)));
  const stopped = await postJson(
    `${api.url}/chat/session/${sessionId}/cancel`,
    {},
    { Authorization: `Bearer ${user.accessToken}` },
  );
  expect(stopped.status).toBe(200);
  const { turns } = (await user.session(sessionId)).body;
  for (const requestId of requestIds) {
    const turn = turns.find((each) => each.requestId === requestId);
    expect([turn?.status, turn?.response]).toEqual(['cancelled', textOf(await readAll(read(requestId)))]);
  }
});

test('stopping a question that nobody streams asks nothing of a log', async () => {
  const asked = await user.send({ message: 'Stop? [[simulate mode=hang]]' });
  const monitor = await startRedisMonitor(redisUrl);
  expect((await cancel(asked.body.requestId)).body).toMatchObject({ status: 'cancelled' });
  const ofRequest = () => monitor.commands().filter((each) => each.includes(asked.body.requestId));
  await until('the turn was written', () => ofRequest().length > 0);
  monitor.stop();
  expect(ofRequest().filter((each) => each.includes(redisKeys.answerLog(asked.body.requestId)))).toEqual([]);
});

test('erasing a session erases the logs of its questions', async () => {
  const asked = await user.send({ message: 'Erase me?', stream: true }, { Prefer: 'wait=20' });
  const { requestId, sessionId } = asked.body;
  const erased = await fetch(`${api.url}/chat/session/${sessionId}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${user.accessToken}` },
  });
  expect(erased.status).toBe(204);
  const left = JSON.stringify(await redis.xrange(redisKeys.answerLog(requestId), '-', '+'));
  expect(left).not.toContain('completed');
});
