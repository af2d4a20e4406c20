import { beforeEach, expect, test } from '@jest/globals';
import { createDeadLetterAdmin } from '../../../src/bridge/redrive/dead-letter-admin.ts';
import { type DeadLetterAdmin, dropOptions, redriveOptions } from '../../../src/contracts/dead-letters.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { bury, drain, numbersOf, upTo } from '../../dead-letters.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { until } from '../../until.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
let url: string;
let client: QueueClient;
let admin: DeadLetterAdmin;

beforeEach(async () => {
  url = await testRabbitMqUrl();
  client = await startQueueClient(url);
  admin = createDeadLetterAdmin({ url, canaryTimes: { settleMs: 2_000, timeoutMs: 20_000 } });
});

const redrive = (options: object = {}) => admin.redrive(REQUESTS_QUEUE, redriveOptions.parse(options));
const inQueue = async (queue: string) => numbersOf(await drain(client, queue));

test('1,000 letters go back in their order, each once', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(1_000));
  expect(await redrive()).toMatchObject({ matching: 1_000, sent: 1_000, left: 0, refused: 0, stopped: null });
  expect(await inQueue(REQUESTS_QUEUE)).toEqual(upTo(1_000));
  expect(await inQueue(DLQ)).toEqual([]);
});

test('a letter goes back as it came: its bytes and properties, and how often it was sent back', async () => {
  const theirs = {
    contentType: 'application/octet-stream',
    contentEncoding: 'gzip',
    correlationId: 'c',
    replyTo: 'r',
    messageId: 'm',
    timestamp: 1_700_000_000,
    type: 'question',
    appId: 'theirs',
    priority: 3,
  };
  const body = Buffer.from(upTo(256));
  const headers = {
    theirs: { list: [1, 'two', null] },
    'x-dead-letter-reason': 'unsupported_encoding',
    'x-dead-letter-at': new Date().toISOString(),
    'x-original-expiration': '3600000',
    'x-original-user-id': 'somebody',
    'x-death': [{ queue: REQUESTS_QUEUE, reason: 'delivery_limit', count: 1 }],
    'x-first-death-reason': 'delivery_limit',
  };
  await client.send(DLQ, body, { ...theirs, headers });
  await redrive();
  const [first] = await drain(client, REQUESTS_QUEUE);
  expect(first!.content.equals(body)).toBe(true);
  expect(first!.properties).toMatchObject({ ...theirs, expiration: '3600000', deliveryMode: 2 });
  // RabbitMQ 4 adds its own count of deliveries.
  const { 'x-delivery-count': _, ...arrived } = first!.properties.headers ?? {};
  expect(arrived).toEqual({
    theirs: headers.theirs,
    'x-original-user-id': 'somebody',
    'x-redrive-count': 1,
    'x-redrive-run': expect.any(String),
  });

  await client.send(DLQ, first!.content, { ...theirs, headers: first!.properties.headers });
  await redrive();
  const [second] = await drain(client, REQUESTS_QUEUE);
  expect(second!.properties.headers).toMatchObject({ 'x-redrive-count': 2 });
});

test('a letter whose reply_to cannot be sent stays: without it, its answer would go to somebody else', async () => {
  await bury(client, REQUESTS_QUEUE, [0], {
    properties: { headers: { 'x-original-reply-to': 'amq.rabbitmq.reply-to' } },
  });
  await bury(client, REQUESTS_QUEUE, [1]);
  expect(await redrive()).toMatchObject({ sent: 1, refused: 1, left: 1 });
  expect(await inQueue(DLQ)).toEqual([0]);
});

test('only the letters of the filter go, at most the limit; the others stay in their order', async () => {
  await bury(client, REQUESTS_QUEUE, [0, 1], { reason: 'empty' });
  await bury(client, REQUESTS_QUEUE, [2, 3, 4], { reason: 'not_json' });
  await bury(client, REQUESTS_QUEUE, [5], { reason: 'empty' });
  expect(await redrive({ reason: 'not_json', limit: 2 })).toMatchObject({ matching: 3, sent: 2, left: 1 });
  expect(await inQueue(REQUESTS_QUEUE)).toEqual([2, 3]);
  expect(await inQueue(DLQ)).toEqual([0, 1, 4, 5]);
});

test('answers go back to the queue of answers', async () => {
  await bury(client, RESPONSES_QUEUE, [7]);
  expect(await admin.redrive(RESPONSES_QUEUE, redriveOptions.parse({}))).toMatchObject({ sent: 1 });
  expect(await inQueue(RESPONSES_QUEUE)).toEqual([7]);
});

test('a dry run says how many letters would go, and changes nothing', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(20));
  expect(await redrive({ dryRun: true })).toMatchObject({ matching: 20, sent: 0, left: 20, dryRun: true });
  expect(await inQueue(REQUESTS_QUEUE)).toEqual([]);
  expect(await inQueue(DLQ)).toEqual(upTo(20));
});

test('letters go no faster than the rate', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(6));
  const startedAt = Date.now();
  expect(await redrive({ rate: 10 })).toMatchObject({ sent: 6 });
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(450);
});

test('a canary that comes back stops the redrive, and the other letters stay', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(50));
  // A consumer that still cannot read them.
  await client.channel.consume(REQUESTS_QUEUE, (message) => {
    if (!message) return;
    client.channel.sendToQueue(DLQ, message.content, { ...message.properties, persistent: true });
    client.channel.ack(message);
  });
  expect(await redrive({ canary: 3 })).toMatchObject({
    sent: 3,
    left: 47,
    canary: 'failed',
    stopped: expect.stringContaining('came back'),
  });
  await until('all are back', async () => (await client.depth(DLQ)) === 50);
  const kept = await inQueue(DLQ);
  expect(kept.toSorted((one, other) => one - other)).toEqual(upTo(50));
});

test('a canary that nobody takes stops the redrive', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(10));
  const hasty = createDeadLetterAdmin({ url, canaryTimes: { settleMs: 300, timeoutMs: 2_000 } });
  expect(await hasty.redrive(REQUESTS_QUEUE, redriveOptions.parse({ canary: 2 }))).toMatchObject({
    sent: 2,
    left: 8,
    canary: 'failed',
    stopped: expect.stringContaining('nobody takes'),
  });
  expect(await inQueue(REQUESTS_QUEUE)).toEqual([0, 1]);
  expect(await inQueue(DLQ)).toEqual(upTo(10).slice(2));
});

test('after a canary that succeeds all others go', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(50));
  const taken: string[] = [];
  await client.channel.consume(REQUESTS_QUEUE, (message) => {
    if (!message) return;
    taken.push(message.content.toString());
    client.channel.ack(message);
  });
  expect(await redrive({ canary: 3 })).toMatchObject({ sent: 50, left: 0, canary: 'passed', stopped: null });
  expect(await client.depth(DLQ)).toBe(0);
});

test('dropped letters are gone, only those of the filter, and only when that is confirmed', async () => {
  await bury(client, REQUESTS_QUEUE, upTo(10), { reason: 'empty' });
  await bury(client, REQUESTS_QUEUE, [10, 11], { reason: 'not_json' });
  const drop = (options: object) => admin.drop(REQUESTS_QUEUE, dropOptions.parse({ reason: 'empty', ...options }));
  expect(await drop({})).toMatchObject({ matching: 10, dropped: 0, left: 10 });
  expect(await drop({ confirm: true, dryRun: true })).toMatchObject({ matching: 10, dropped: 0, left: 10 });
  expect(await drop({ confirm: true, limit: 4 })).toMatchObject({ matching: 10, dropped: 4, left: 6 });
  expect(await inQueue(DLQ)).toEqual(upTo(12).slice(4));
});
