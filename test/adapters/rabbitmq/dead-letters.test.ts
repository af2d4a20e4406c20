import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { MessageProperties } from 'amqplib';
import { connectRabbitMq } from '../../../src/adapters/rabbitmq/connection.ts';
import { createDeadLetter, type DeadLetter } from '../../../src/adapters/rabbitmq/dead-letters.ts';
import { createPublisher } from '../../../src/adapters/rabbitmq/publisher.ts';
import type { Delivery } from '../../../src/adapters/rabbitmq/settle-batch.ts';
import { BrokerUnavailableError } from '../../../src/contracts/errors.ts';
import { RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import { captureLog } from '../../captured-log.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { until } from '../../until.ts';

const DEAD_LETTERS = `${RESPONSES_QUEUE}.dlq`;

let client: QueueClient;
let deadLetter: DeadLetter;
let counted: string[];
let log: ReturnType<typeof captureLog>;
let stop: () => Promise<void>;

beforeEach(async () => {
  const url = await testRabbitMqUrl();
  client = await startQueueClient(url);
  log = captureLog();
  counted = [];
  const connection = await connectRabbitMq({ url, name: 'test', logger: log.logger });
  const publisher = createPublisher({ connection, timeoutMs: 5_000, logger: log.logger });
  deadLetter = createDeadLetter({
    queue: RESPONSES_QUEUE,
    publisher,
    logger: log.logger,
    onDeadLetter: (reason) => counted.push(reason),
  });
  stop = async () => {
    await publisher.close();
    await connection.close();
  };
  await until('the publisher is ready', () => publisher.ready);
});

afterEach(() => stop());

/** A message as it is delivered, after a real way through RabbitMQ. */
async function delivered(body: Buffer, properties: object): Promise<Delivery> {
  await client.channel.assertQueue('theirs', { durable: true });
  await client.send('theirs', body, properties);
  const message = await client.take('theirs');
  return {
    body: message.content,
    properties: message.properties as MessageProperties,
    messageId: message.properties.messageId,
    contentEncoding: message.properties.contentEncoding,
  };
}

test('the body is kept byte for byte, with every property and header, and why and when', async () => {
  const body = Buffer.from([0, 1, 0xfe, 0xff]);
  const properties = {
    messageId: 'm-1',
    correlationId: 'c-1',
    contentType: 'text/plain',
    contentEncoding: 'latin1',
    replyTo: 'r',
    type: 't',
    appId: 'a',
    timestamp: 1_700_000_000,
    priority: 4,
  };
  const headers = {
    text: 'ä€',
    whole: 7,
    negative: -1,
    large: 2 ** 40,
    fraction: 1.5,
    yes: true,
    nothing: null,
    bytes: Buffer.from([0, 255]),
    list: [1, ['two', { three: 3 }]],
    time: { '!': 'timestamp', value: 1_700_000_000 },
  };
  const delivery = await delivered(body, { ...properties, headers });
  await deadLetter(delivery, 'not_json', 'the body is not valid JSON');

  const kept = await client.take(DEAD_LETTERS);
  expect(kept.content.equals(body)).toBe(true);
  expect(kept.properties).toMatchObject({ ...properties, deliveryMode: 2 });
  expect(kept.properties.headers).toMatchObject({
    ...delivery.properties.headers,
    'x-dead-letter-reason': 'not_json',
    'x-dead-letter-detail': 'the body is not valid JSON',
    'x-dead-letter-at': expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    'x-dead-letter-queue': RESPONSES_QUEUE,
  });
  expect(counted).toEqual(['not_json']);
  expect(log.said('a message was dead-lettered')[0]).toMatchObject({ reason: 'not_json', messageId: 'm-1', bytes: 4 });
});

test('a message that was to expire, or to be copied, is kept for good and in one place', async () => {
  await client.channel.assertQueue('elsewhere', { durable: true });
  const delivery = await delivered(Buffer.from('x'), { expiration: '100000', headers: { CC: ['elsewhere'] } });
  await client.take('elsewhere');
  await deadLetter(delivery, 'invalid_message', 'why');

  const kept = await client.take(DEAD_LETTERS);
  expect(kept.properties.expiration).toBeUndefined();
  expect(kept.properties.headers).toMatchObject({ 'x-original-expiration': '100000', 'x-original-cc': ['elsewhere'] });
  expect(await client.depth('elsewhere')).toBe(0);
});

test('a message whose headers are too large to be sent on is kept with its reason all the same', async () => {
  const body = Buffer.from('not JSON');
  // Each just fits into what a client can send, and with ours beside it no longer does.
  for (const chars of [65_000, 65_300, 65_450]) {
    const delivery = await delivered(body, { headers: { large: 'x'.repeat(chars) } });
    await deadLetter(delivery, 'not_json', 'why');
    const kept = await client.take(DEAD_LETTERS);
    expect(kept.content.equals(body)).toBe(true);
    expect(kept.properties.headers).toMatchObject({ 'x-dead-letter-reason': 'not_json' });
  }
  expect(counted).toHaveLength(3);
});

test('what AMQP cannot carry twice is left out, and the rest of the properties is kept', async () => {
  const delivery = await delivered(Buffer.from('x'), { messageId: 'm-1', replyTo: 'orders', headers: { theirs: 1 } });
  // Bytes that are no UTF-8 become three each. A large timestamp is no whole number any more.
  delivery.properties.correlationId = '\ufffd'.repeat(200);
  delivery.properties.timestamp = 2 ** 64;
  await deadLetter(delivery, 'invalid_reply_to', 'why');
  const kept = await client.take(DEAD_LETTERS);
  expect(kept.properties).toMatchObject({ messageId: 'm-1', replyTo: 'orders', correlationId: undefined });
  expect(kept.properties.headers).toMatchObject({ theirs: 1, 'x-dead-letter-reason': 'invalid_reply_to' });
});

test('a message that asks for replies where nobody waits is kept, and those behind it as well', async () => {
  // Only a client of another protocol can send that.
  const delivery = await delivered(Buffer.from('x'), {});
  delivery.properties.replyTo = 'amq.rabbitmq.reply-to';
  await deadLetter(delivery, 'invalid_reply_to', 'why');
  const kept = await client.take(DEAD_LETTERS);
  expect(kept.properties.headers).toMatchObject({ 'x-original-reply-to': 'amq.rabbitmq.reply-to' });
});

test('while RabbitMQ is away nothing counts as kept', async () => {
  const delivery = await delivered(Buffer.from('x'), {});
  await stop();
  await expect(deadLetter(delivery, 'not_json', 'why')).rejects.toBeInstanceOf(BrokerUnavailableError);
  expect(counted).toEqual([]);
  expect(log.said('a message was dead-lettered')).toEqual([]);
});
