import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisLogKeeper } from '../../src/adapters/answer-log/redis-log-keeper.ts';
import { cancelRequest } from '../../src/adapters/jobs/cancellations.ts';
import { JOBS_PREFIX } from '../../src/contracts/queues.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import { textOf } from '../adapters/answer-log/answer-log-contract.ts';
import { startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { privateRedis, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';
import { openLogs } from './follow-log.ts';

const simulator = await startSimulator();
afterAll(() => simulator.stop());

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** 3 s of text. */
const SLOWLY = '[[simulate tokens-per-second=20 tokens=60]]';
/** More than another worker takes to take a job up. */
const TAKEN_UP_MS = 60_000;

async function setUp(env: Record<string, string> = {}) {
  const rabbitMqUrl = await testRabbitMqUrl();
  const client = await startQueueClient(rabbitMqUrl);
  await client.readResponses();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
    RETRY_BASE: '100ms',
    ...env,
  };
  const logs = openLogs(settings.REDIS_URL);
  closing.push(logs.close);
  const ask = async (message: string) => {
    const requestId = randomUUID();
    await client.ask({ requestId, sessionId: randomUUID(), userId: 'u', message, stream: true });
    return { requestId, ...logs.follow(requestId) };
  };
  /** Waits for the end, and checks that readers saw exactly the response. */
  const seen = async ({ requestId, ended }: Awaited<ReturnType<typeof ask>>) => {
    const response = await client.responseTo(requestId, TAKEN_UP_MS);
    return { response, types: await logs.expectExactly(await ended, response) };
  };
  return { client, settings, ask, seen };
}

const UNDISTURBED = ['queued', 'started', 'started', 'delta', 'completed'];
const BEGUN_AGAIN = [...UNDISTURBED.slice(0, -1), 'restarted', 'started', 'started', 'delta', 'completed'];

test('streams of a worker that is killed begin again at another one, and readers get exactly its answers', async () => {
  const { settings, ask, seen } = await setUp();
  const worker = await startWorker(settings);
  const streams = await Promise.all([1, 2, 3].map((n) => ask(`Killed in mid-stream, ${n}? ${SLOWLY}`)));
  await Promise.all(streams.map(({ saw }) => saw('delta', 5)));
  await worker.kill();
  const second = await startWorker(settings);
  for (const stream of streams) expect((await seen(stream)).types).toEqual(BEGUN_AGAIN);
  await second.stop();
});

test('a worker that is killed after it has published the answer leaves readers with that answer, and its end', async () => {
  const { client, settings, ask, seen } = await setUp();
  const proxy = await startTcpProxy(settings.RABBITMQ_URL);
  closing.push(proxy.stop);
  const worker = await startWorker({ ...settings, RABBITMQ_URL: proxy.url });
  const stream = await ask(`Killed before the end? ${SLOWLY}`);
  await stream.saw('delta', 5);
  // The worker is never told that the broker has its answer.
  proxy.holdFromServer();
  const first = await client.responseTo(stream.requestId);
  await worker.kill();
  expect(stream.events.some(({ event }) => event.type === 'completed')).toBe(false);
  const second = await startWorker(settings);
  const { types } = await seen(stream);
  expect(types).toEqual(UNDISTURBED);
  expect(client.responses.filter(({ response }) => response !== first.response)).toEqual([]);
  await second.stop();
});

test('an answer that can only be published later, because RabbitMQ is away, is not shown twice', async () => {
  const { settings, ask, seen } = await setUp();
  const proxy = await startTcpProxy(settings.RABBITMQ_URL);
  closing.push(proxy.stop);
  const worker = await startWorker({ ...settings, RABBITMQ_URL: proxy.url });
  const stream = await ask(`Without RabbitMQ? ${SLOWLY}`);
  await stream.saw('delta', 5);
  proxy.cut();
  await stream.saw('retrying', 2);
  proxy.open();
  const { types } = await seen(stream);
  expect(types.filter((type) => type !== 'retrying')).toEqual(UNDISTURBED);
  await worker.stop();
});

test('streams that are stopped while they are written end with one text, in the log and in the message', async () => {
  const { settings, client, ask } = await setUp();
  const worker = await startWorker(settings);
  const redis = new Redis(settings.REDIS_URL);
  closing.push(() => redis.disconnect());
  const keeper = createRedisLogKeeper({ redis, seals: plainTexts, ttlMs: 60_000 });
  const streams = await Promise.all(
    Array.from({ length: 20 }, (_, n) => ask(`Stopped, ${n}? [[simulate tokens-per-second=200 tokens=4000]]`)),
  );
  await Promise.all(streams.map(({ saw }) => saw('delta', 5)));
  const requestIds = streams.map(({ requestId }) => requestId);
  const at = new Date().toISOString();
  await keeper.end(
    requestIds.map((requestId) => ({ requestId, userId: 'ann' })),
    { type: 'cancelled', at, finishReason: 'cancelled' },
  );
  await Promise.all(requestIds.map((requestId) => cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, requestId)));
  for (const { requestId, ended } of streams) {
    const response = await client.responseTo(requestId);
    expect(response).toMatchObject({ status: 'cancelled', response: textOf(await ended), usage: null });
    expect(response.partialUsage).toEqual({ completionTokens: expect.any(Number), estimated: true });
  }
  await worker.stop();
});

test('a stream goes on after Redis was killed and started again', async () => {
  const redis = await privateRedis();
  closing.push(redis.stop);
  const { settings, ask, seen } = await setUp({ REDIS_URL: redis.url });
  const worker = await startWorker(settings);
  const streams = await Promise.all([1, 2, 3].map((n) => ask(`Without Redis, ${n}? ${SLOWLY}`)));
  await Promise.all(streams.map(({ saw }) => saw('delta', 5)));
  await redis.kill();
  await redis.start();
  for (const stream of streams) expect((await seen(stream)).types).toEqual(UNDISTURBED);
  await worker.stop();
});

test('a worker that is told to stop finishes its streams within the grace, and the others begin again elsewhere', async () => {
  const { settings, ask, seen } = await setUp({ SHUTDOWN_GRACE: '8s' });
  const worker = await startWorker(settings);
  const long = await ask('Too long? [[simulate tokens-per-second=20 tokens=600 times=1]]');
  const short = await ask('Short? [[simulate tokens-per-second=20 tokens=150]]');
  await Promise.all([long.saw('delta', 3), short.saw('delta', 3)]);
  const second = await startWorker(settings);
  process.kill(worker.pid, 'SIGTERM');
  expect((await seen(short)).types).toEqual(UNDISTURBED);
  await worker.exited;
  expect(worker.exitCode).toBe(0);
  const { response, types } = await seen(long);
  expect(types).toEqual(BEGUN_AGAIN);
  expect(response.attempts).toBe(1);
  await second.stop();
});

test('a stream that the provider breaks off is retried, and readers are told why, and that the text begins again', async () => {
  const { settings, ask, seen } = await setUp();
  const worker = await startWorker(settings);
  const breaks = ['reset', 'end', 'error'];
  const streams = await Promise.all(
    breaks.map((how) =>
      ask(`By ${how}? [[simulate tokens-per-second=50 tokens=40 break-at=20 break-by=${how} times=1]]`),
    ),
  );
  for (const stream of streams) {
    const { response, types } = await seen(stream);
    expect(types).toEqual([...BEGUN_AGAIN.slice(0, 4), 'retrying', ...BEGUN_AGAIN.slice(4)]);
    expect(response.attempts).toBe(2);
    const retrying = stream.events.find(({ event }) => event.type === 'retrying')?.event;
    expect(retrying).toMatchObject({ attempt: 1, code: expect.stringMatching(/^model_/), nextAt: expect.any(String) });
  }
  await worker.stop();
});

test('a fallback that takes a broken stream over begins the text again at once', async () => {
  const other = await startSimulator();
  closing.push(other.stop);
  await other.behave({ stream: { tokensPerSecond: 20, tokens: 20 } });
  const fallback = { name: 'other', baseUrl: other.baseUrl, model: 'm', apiKeyEnv: 'OTHER_KEY' };
  const { settings, ask, seen } = await setUp({
    OPENAI_BASE_URL: simulator.baseUrl,
    OPENAI_API_KEY: 'sk-test',
    OTHER_KEY: 'sk-other',
    MODEL_FALLBACKS: JSON.stringify([fallback]),
    FALLBACK_AFTER_ATTEMPTS: '1',
  });
  await simulator.behave({ stream: { tokensPerSecond: 20, tokens: 40, breakAt: 20 } });
  const worker = await startWorker(settings);
  const stream = await ask('By another provider?');
  const { response, types } = await seen(stream);
  await simulator.behave({});
  expect(types).toEqual(['queued', 'started', 'started', 'delta', 'restarted', 'started', 'delta', 'completed']);
  expect(response).toMatchObject({ provider: 'other', attempts: 1 });
  await until('the fallback was asked', async () => (await other.stats()).finished === 1);
  await worker.stop();
});
