import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Channel, type ConsumeMessage, connect, type GetMessage, type Options } from 'amqplib';
import { Redis } from 'ioredis';
import { cancelRequest } from '../../src/adapters/jobs/cancellations.ts';
import { jobIdOf } from '../../src/adapters/jobs/chat-job.ts';
import { type ChatQueue, openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { createDeadLetterAdmin } from '../../src/bridge/redrive/dead-letter-admin.ts';
import { redriveOptions } from '../../src/contracts/dead-letters.ts';
import { JOBS_PREFIX, REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import { readChatResponse } from '../../src/contracts/read-chat-response.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

let env: Record<string, string>;
let simulator: TestSimulator;
let api: TestProcess;
let worker: TestProcess;
let client: QueueClient;
let redis: Redis;
let jobs: ChatQueue;
let user: TestUser;

beforeAll(async () => {
  simulator = await startSimulator();
  env = {
    RABBITMQ_URL: await testRabbitMqUrl(),
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  };
  [api, worker] = await Promise.all([startApi(env), startWorker({ ...env, REPLY_QUEUES: 'replies-*,amq.*' })]);
  client = await startQueueClient(env.RABBITMQ_URL!);
  redis = new Redis(env.REDIS_URL!, { maxRetriesPerRequest: null });
  jobs = openChatQueue(redis);
  user = await signUp(api.url);
});

afterAll(async () => {
  await Promise.all([api?.stop(), worker?.stop()]);
  await simulator?.stop();
  await jobs?.close();
  redis?.disconnect();
});

const question = (message = `Is ${randomUUID()} healthy?`) => ({
  requestId: randomUUID(),
  sessionId: 'a session of another service',
  userId: 'u-1',
  message,
});
const ask = (asked: object, properties: Options.Publish) =>
  client.send(REQUESTS_QUEUE, Buffer.from(JSON.stringify(asked)), properties);
const callsFor = async (message: string) =>
  (await simulator.calls()).filter((call) => JSON.stringify(call).includes(message)).length;
const newName = () => `replies-${randomUUID()}`;
const read = ({ content, properties }: ConsumeMessage | GetMessage) => ({
  ...readChatResponse({ body: content }),
  correlationId: properties.correlationId,
});
const letterFor = async (queue: typeof REQUESTS_QUEUE | typeof RESPONSES_QUEUE, requestId: string) =>
  until('the dead letter', async () => {
    const { letters } = await createDeadLetterAdmin({ url: env.RABBITMQ_URL! }).showBodies(queue, {
      ...{ limit: 1000, full: true },
    });
    return letters.find(({ body }) => body.includes(requestId));
  });
const untilFailed = (requestId: string) =>
  until('its job has failed', async () => (await jobs.getJobState(jobIdOf(requestId))) === 'failed');

/** Another service with a queue that it reads answers from. */
async function openService(readFrom: (channel: Channel, take: (message: ConsumeMessage) => void) => Promise<string>) {
  const connection = await connect(env.RABBITMQ_URL!);
  const channel = await connection.createChannel();
  const answers: ConsumeMessage[] = [];
  const replyTo = await readFrom(channel, (message) => answers.push(message));
  return {
    replyTo,
    ask: (asked: object, properties: Options.Publish) =>
      channel.sendToQueue(REQUESTS_QUEUE, Buffer.from(JSON.stringify(asked)), { replyTo, ...properties }),
    answer: async () => read(await until('the answer', () => answers.shift())),
    close: () => connection.close(),
  };
}

const consume = async (channel: Channel, queue: string, take: (message: ConsumeMessage) => void) => {
  await channel.consume(queue, (message) => message && take(message), { noAck: true });
  return queue;
};

test.each([
  [
    'a queue with a name',
    async (channel: Channel, take: (message: ConsumeMessage) => void) =>
      await consume(channel, (await channel.assertQueue(newName())).queue, take),
  ],
  [
    'an exclusive queue',
    async (channel: Channel, take: (message: ConsumeMessage) => void) =>
      await consume(channel, (await channel.assertQueue('', { exclusive: true })).queue, take),
  ],
  [
    'amq.rabbitmq.reply-to',
    async (channel: Channel, take: (message: ConsumeMessage) => void) =>
      await consume(channel, 'amq.rabbitmq.reply-to', take),
  ],
])('beside a running api, an answer goes to %s with the correlation_id of its request', async (_, readFrom) => {
  const service = await openService(readFrom);
  const asked = question();
  service.ask(asked, { correlationId: 'call-7' });
  expect(await service.answer()).toMatchObject({
    requestId: asked.requestId,
    status: 'completed',
    correlationId: 'call-7',
    response: expect.stringContaining(asked.message),
  });

  // A failure and a cancellation go the same way.
  const failing = question('How? [[simulate status=400]]');
  service.ask(failing, { correlationId: 'call-8' });
  expect(await service.answer()).toMatchObject({ status: 'failed', correlationId: 'call-8' });
  const slow = question('How? [[simulate latency=20s]]');
  service.ask(slow, { correlationId: 'call-9' });
  await until('it is asked', async () => (await simulator.stats()).inFlight > 0);
  await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, slow.requestId);
  expect(await service.answer()).toMatchObject({ status: 'cancelled', correlationId: 'call-9' });

  const own = await user.send({ message: 'And I?' }, { Prefer: 'wait=20' });
  expect(own.body.status).toBe('completed');
  expect(await client.depth(RESPONSES_QUEUE)).toBe(0);
  expect(await client.depth(`${RESPONSES_QUEUE}.dlq`)).toBe(0);
  await service.close();
});

test('an answer carries the trace context of its request, which may be of a later version, and so does its dead letter', async () => {
  const traceId = randomUUID().replaceAll('-', '');
  const headers = { traceparent: `01-${traceId}-00f067aa0ba902b7-01-later`, tracestate: 'rojo=1,congo=2' };
  const replyTo = newName();
  await client.channel.assertQueue(replyTo);
  await ask(question(), { replyTo, headers });
  const traced = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: headers.tracestate };
  expect((await client.take(replyTo, 30_000)).properties.headers).toMatchObject(traced);

  const asked = question();
  await ask(asked, { replyTo: newName(), headers });
  await letterFor(RESPONSES_QUEUE, asked.requestId);
  const letter = await client.take(`${RESPONSES_QUEUE}.dlq`);
  expect(letter.properties.headers).toMatchObject({ 'x-dead-letter-reason': 'reply_unroutable', ...traced });
});

test('without a correlation_id the answer carries the requestId, and without a body of its own two callers are told apart', async () => {
  const service = await openService(async (channel, take) =>
    consume(channel, (await channel.assertQueue(newName())).queue, take),
  );
  const { requestId, ...asked } = question();
  service.ask({ ...asked, requestId }, {});
  expect((await service.answer()).correlationId).toBe(requestId);

  const same = { sessionId: 's', userId: 'u', message: 'The same words?' };
  for (const correlationId of ['one', 'two']) service.ask(same, { correlationId });
  const answers = [await service.answer(), await service.answer()];
  expect(answers.map(({ correlationId }) => correlationId).sort()).toEqual(['one', 'two']);
  await service.close();
});

test('ids that AMQP has no room for in its properties are in the body of the answer', async () => {
  const long = '漢'.repeat(100);
  const service = await openService(async (channel, take) =>
    consume(channel, (await channel.assertQueue(newName())).queue, take),
  );
  service.ask({ ...question(), requestId: `${long}-1` }, { correlationId: 'call-7' });
  expect(await service.answer()).toMatchObject({ requestId: `${long}-1`, correlationId: 'call-7' });
  service.ask({ ...question(), requestId: `${long}-2` }, {});
  expect(await service.answer()).toMatchObject({ requestId: `${long}-2`, status: 'completed' });
  await service.close();

  const asked = { ...question(), sessionId: long };
  await ask(asked, {});
  expect(await letterFor(RESPONSES_QUEUE, asked.requestId)).toMatchObject({ reason: 'unknown_session' });
  await client.channel.purgeQueue(`${RESPONSES_QUEUE}.dlq`);
});

test.each([
  ['is gone', 'reply_unroutable', async () => newName()],
  [
    'is the way back to a client that has left',
    'reply_unroutable',
    async () => {
      const service = await openService(async (channel, take) => consume(channel, 'amq.rabbitmq.reply-to', take));
      service.ask({}, {});
      const letter = await until('the address', () => client.channel.get(`${REQUESTS_QUEUE}.dlq`, { noAck: true }));
      await service.close();
      return letter.properties.replyTo as string;
    },
  ],
  [
    'is full',
    'reply_refused',
    async () => {
      const name = newName();
      await client.channel.assertQueue(name, { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
      await client.send(name, Buffer.from('full'));
      return name;
    },
  ],
])(
  'an answer whose reply queue %s is a dead letter once, stays with its job, and costs one call',
  async (_, reason, makeQueue) => {
    const replyTo = await makeQueue();
    const asked = question();
    await ask(asked, { replyTo, correlationId: 'call-1' });
    const letter = await letterFor(RESPONSES_QUEUE, asked.requestId);
    expect(letter).toMatchObject({ reason, properties: { correlationId: 'call-1' } });
    expect(JSON.parse(letter.body)).toMatchObject({
      status: 'completed',
      response: expect.stringContaining(asked.message),
    });
    await untilFailed(asked.requestId);
    const job = await jobs.getJob(jobIdOf(asked.requestId));
    expect(job?.failedReason).toContain(reason);
    expect(JSON.stringify(job?.progress)).toContain(asked.message);
    expect(await callsFor(asked.message)).toBe(1);
    expect(await client.depth(RESPONSES_QUEUE)).toBe(0);
    if (replyTo.startsWith('amq.')) return;

    // Once the queue takes messages, the job can be retried and the letter sent again; neither asks the model.
    await job?.retry('failed');
    await untilFailed(asked.requestId);
    const admin = createDeadLetterAdmin({ url: env.RABBITMQ_URL! });
    expect((await admin.list(RESPONSES_QUEUE, { reason })).matching).toBe(1);
    expect(await admin.redrive(RESPONSES_QUEUE, redriveOptions.parse({ reason }))).toMatchObject({ sent: 0 });
    await client.channel.deleteQueue(replyTo);
    await client.channel.assertQueue(replyTo);
    await (await jobs.getJob(jobIdOf(asked.requestId)))?.retry('failed');
    expect(read(await client.take(replyTo, 30_000))).toMatchObject({
      requestId: asked.requestId,
      correlationId: 'call-1',
    });
    expect(await admin.redrive(RESPONSES_QUEUE, redriveOptions.parse({ reason }))).toMatchObject({ sent: 1, left: 0 });
    expect(read(await client.take(replyTo, 30_000))).toMatchObject({
      requestId: asked.requestId,
      correlationId: 'call-1',
    });
    expect(await callsFor(asked.message)).toBe(1);
  },
);

test('a failure whose reply queue is gone is a dead letter as well, and nothing is tried for ever', async () => {
  const asked = question(`How ${randomUUID()}? [[simulate status=400]]`);
  await ask(asked, { replyTo: newName() });
  expect(await letterFor(RESPONSES_QUEUE, asked.requestId)).toMatchObject({ reason: 'reply_unroutable' });
  await untilFailed(asked.requestId);
});

test.each([REQUESTS_QUEUE, `${REQUESTS_QUEUE}.dlq`, `${RESPONSES_QUEUE}.dlq`, `/queues/${REQUESTS_QUEUE}`, 'orders'])(
  'a reply_to that an answer must not go to costs no call and is refused: %s',
  async (replyTo) => {
    const asked = question();
    await ask(asked, { replyTo });
    expect(await letterFor(REQUESTS_QUEUE, asked.requestId)).toMatchObject({ reason: 'invalid_reply_to' });
    expect(await callsFor(asked.message)).toBe(0);
  },
);

test('a reply_to of chat_responses is where answers go anyway: it cannot write past the signature', async () => {
  const { body } = await user.send({ message: 'Mine?' }, { Prefer: 'wait=20' });
  const forged = { ...question(), sessionId: body.sessionId, userId: user.userId };
  await ask(forged, { replyTo: RESPONSES_QUEUE });
  expect(await letterFor(RESPONSES_QUEUE, forged.requestId)).toMatchObject({ reason: 'unknown_session' });
  expect((await user.session(body.sessionId)).body.turns).toHaveLength(1);
});

test('answers to a service without a session here are no dead letters where others may use chat_responses', async () => {
  const own = { ...env, RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  const ends = await Promise.all([startApi({ ...own, UNKNOWN_SESSION_ANSWERS: 'drop' }), startWorker(own)]);
  const there = await startQueueClient(own.RABBITMQ_URL);
  await there.ask(...Array.from({ length: 500 }, () => question('The same words?')));
  await until(
    'all are answered',
    async () => {
      const text = await (await fetch(ends[0].metricsUrl)).text();
      return /responses_settled_total\{outcome="unknown"[^}]*\} 500/.test(text);
    },
    60_000,
  );
  for (const queue of [RESPONSES_QUEUE, `${RESPONSES_QUEUE}.dlq`, `${REQUESTS_QUEUE}.dlq`]) {
    expect(await there.depth(queue)).toBe(0);
  }
  await Promise.all(ends.map((end) => end.stop()));
});
