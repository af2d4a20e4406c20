import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connectRabbitMq } from '../../../src/adapters/rabbitmq/connection.ts';
import { createPublisher, type Publisher } from '../../../src/adapters/rabbitmq/publisher.ts';
import { BrokerUnavailableError, MessageRefusedError, UnroutableError } from '../../../src/contracts/errors.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import type { RabbitMq } from '../../../tools/services/rabbitmq.ts';
import { captureLog } from '../../captured-log.ts';
import { startQueueClient } from '../../queue-client.ts';
import { managementApi } from '../../services/management-api.ts';
import { askForRabbitMq } from '../../services/server-desk.ts';
import { privateRabbitMq, testRabbitMqUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

let server: RabbitMq;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await privateRabbitMq();
});

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

afterAll(() => server?.stop());

async function open(url: string, timeoutMs = 5_000) {
  const { logger } = captureLog();
  const connection = await connectRabbitMq({ url, name: 'test', logger });
  const publisher = createPublisher({ connection, timeoutMs, logger });
  cleanups.push(async () => {
    await publisher.close();
    await connection.close();
  });
  return { connection, publisher };
}

async function proxyTo(url: string) {
  const proxy = await startTcpProxy(url);
  cleanups.push(() => proxy.stop());
  return proxy;
}

const send = (publisher: Publisher, queue = REQUESTS_QUEUE) => publisher.publish(queue, Buffer.from('hello'), {});

/** The publisher is ready a moment after its connection. */
const untilReady = (publisher: Publisher) => until('it is ready', () => publisher.ready);

const outcomeOf = (sending: Promise<void>) =>
  sending.then(
    () => 'sent',
    (error: unknown) => error,
  );

/** For a broker that is back: the publisher may have lost its channel. */
const untilSent = (publisher: Publisher) =>
  until('a message is taken', async () => (await outcomeOf(send(publisher))) === 'sent');

test('as soon as it is ready it sends, after each connection that was lost as well', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  const { publisher } = await open(proxy.url);
  for (let times = 0; times < 5; times++) {
    await untilReady(publisher);
    await send(publisher);
    proxy.cut();
    await until('it is not ready', () => !publisher.ready);
    proxy.open();
  }
});

test('a message that is taken is in the queue, persistent, and as it was sent', async () => {
  const url = await testRabbitMqUrl();
  const { publisher } = await open(url);
  const client = await startQueueClient(url);
  await untilReady(publisher);

  const body = Buffer.from([0, 255, 1, 2]);
  const messageId = randomUUID();
  await publisher.publish(REQUESTS_QUEUE, body, { messageId, headers: { traceparent: 'a' } });
  const message = await client.take(REQUESTS_QUEUE);
  expect(message.content.equals(body)).toBe(true);
  expect(message.properties).toMatchObject({ messageId, deliveryMode: 2, headers: { traceparent: 'a' } });
});

test('of messages that are sent together, those without a queue are refused and the others are taken', async () => {
  const url = await testRabbitMqUrl();
  const { publisher } = await open(url);
  const client = await startQueueClient(url);
  await untilReady(publisher);

  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, index) => outcomeOf(send(publisher, index % 3 === 0 ? 'nowhere' : REQUESTS_QUEUE))),
  );
  for (const [index, outcome] of outcomes.entries()) {
    if (index % 3 === 0) expect(outcome).toBeInstanceOf(UnroutableError);
    else expect(outcome).toBe('sent');
  }
  await until('all that were taken are there', async () => (await client.depth(REQUESTS_QUEUE)) === 40);
});

test('a message that cannot be encoded is refused, and those after it are confirmed as ever', async () => {
  const { publisher } = await open(await testRabbitMqUrl());
  await untilReady(publisher);
  const tooMuch = publisher.publish(REQUESTS_QUEUE, Buffer.from('x'), { headers: { large: 'x'.repeat(200_000) } });
  const outcomes = [outcomeOf(tooMuch), outcomeOf(send(publisher)), outcomeOf(send(publisher, 'nowhere'))];
  expect(await outcomes[0]).toBeInstanceOf(Error);
  expect(await outcomes[1]).toBe('sent');
  expect(await outcomes[2]).toBeInstanceOf(UnroutableError);
});

test('without a broker a message is refused at once', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  proxy.cut();
  // A refusal that waited for the confirm would come after the test's own time.
  const { publisher } = await open(proxy.url, 600_000);
  expect(await outcomeOf(send(publisher))).toBeInstanceOf(BrokerUnavailableError);

  proxy.open();
  await untilReady(publisher);
  proxy.cut();
  await until('the loss is seen', async () => (await outcomeOf(send(publisher))) instanceof BrokerUnavailableError);
  proxy.open();
  await untilSent(publisher);
});

test('messages that wait for their confirm when the connection is lost are refused', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  const { publisher } = await open(proxy.url, 600_000);
  await untilReady(publisher);
  proxy.silence();
  const sending = Array.from({ length: 10 }, () => outcomeOf(send(publisher)));
  proxy.cut();
  for (const outcome of await Promise.all(sending)) {
    expect(outcome).toBeInstanceOf(BrokerUnavailableError);
    // The broker may have them. Only a queue's own refusal means that it has not.
    expect(outcome).not.toBeInstanceOf(MessageRefusedError);
  }
});

test('a queue that refuses every message gets them on another channel soon', async () => {
  const url = await testRabbitMqUrl();
  const { publisher, connection } = await open(url);
  await untilReady(publisher);
  let channels = 0;
  connection.onConnected((model) => {
    const create = model.createConfirmChannel.bind(model);
    model.createConfirmChannel = (...args) => {
      channels += 1;
      return create(...args);
    };
  });
  const vhost = new URL(url).pathname.slice(1);
  await managementApi((await askForRabbitMq()).managementUrl).put(`policies/${vhost}/short`, {
    ...{ pattern: `^${RESPONSES_QUEUE}$`, 'apply-to': 'queues' },
    definition: { 'max-length': 1 },
  });
  const outcomes = new Set<unknown>();
  await until('another channel is opened', async () => {
    outcomes.add(Object(await outcomeOf(send(publisher, RESPONSES_QUEUE))).constructor.name);
    return channels > 0;
  });
  expect(outcomes).toContain('MessageRefusedError');
});

test('a broker that does not confirm in time has not taken the message, and a later one is confirmed', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  const { publisher } = await open(proxy.url, 500);
  await untilReady(publisher);
  proxy.silence();
  const outcome = await outcomeOf(send(publisher));
  expect(outcome).toBeInstanceOf(BrokerUnavailableError);
  expect(String(outcome)).toContain('no confirm within 500 ms');
  proxy.open();
  await untilSent(publisher);
});

test('a broker that is short of memory refuses at once, and takes messages again when it has some', async () => {
  const { connection, publisher } = await open(server.url, 600_000);
  await untilReady(publisher);
  await server.ctl('set_vm_memory_high_watermark', '0.000001');
  try {
    // RabbitMQ reports that it is blocked only after the first message, which is refused soon as well.
    expect(await outcomeOf(send(publisher))).toBeInstanceOf(BrokerUnavailableError);
    expect(connection.state).toBe('blocked');
    expect(await outcomeOf(send(publisher))).toBeInstanceOf(BrokerUnavailableError);
  } finally {
    await server.ctl('set_vm_memory_high_watermark', '0.4');
  }
  await untilSent(publisher);
  expect(connection.state).toBe('connected');
});

test('a connection to a broker that is short of memory can be closed', async () => {
  const { connection, publisher } = await open(server.url, 600_000);
  await untilReady(publisher);
  await server.ctl('set_vm_memory_high_watermark', '0.000001');
  try {
    void outcomeOf(send(publisher));
    await until('it is blocked', () => connection.state === 'blocked');
    await publisher.close();
    await connection.close();
    expect(connection.state).toBe('closed');
  } finally {
    await server.ctl('set_vm_memory_high_watermark', '0.4');
  }
});

test('a queue of ours that confirms nothing, though it is listed, is named with what to do until it confirms again', async () => {
  const log = captureLog();
  const connection = await connectRabbitMq({ url: server.url, name: 'test', logger: log.logger });
  const publisher = createPublisher({ connection, timeoutMs: 1_000, logger: log.logger });
  cleanups.push(() => publisher.close().then(() => connection.close()));
  await untilReady(publisher);
  await send(publisher, RESPONSES_QUEUE);
  const member = `quorum_queues, {'%2F_${RESPONSES_QUEUE}', node()}`;
  await server.ctl('eval', `ra:stop_server(${member}).`);
  try {
    expect(await outcomeOf(send(publisher, RESPONSES_QUEUE))).toBeInstanceOf(BrokerUnavailableError);
    expect(await outcomeOf(send(publisher))).toBe('sent');
    expect(connection.troubles.any).toBe(true);
    expect(log.said(`confirms no message for ${RESPONSES_QUEUE}`)).toMatchObject([
      { level: 'error', msg: expect.stringContaining('rabbitmqctl delete_queue') },
    ]);
  } finally {
    await server.ctl('eval', `ra:restart_server(${member}).`);
  }
  await until('it confirms', async () => (await outcomeOf(send(publisher, RESPONSES_QUEUE))) === 'sent');
  expect(connection.troubles.any).toBe(false);
});
