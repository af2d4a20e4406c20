import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type BatchConsumer, createBatchConsumer } from '../../../src/adapters/rabbitmq/batch-consumer.ts';
import { connectRabbitMq } from '../../../src/adapters/rabbitmq/connection.ts';
import { createGiveBack, WAITS_FOR_MS } from '../../../src/adapters/rabbitmq/newer-messages.ts';
import { createPublisher } from '../../../src/adapters/rabbitmq/publisher.ts';
import type { Delivery, Refusal } from '../../../src/adapters/rabbitmq/settle-batch.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { NEWER_SINCE_HEADER, REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { UnreadableMessage } from '../../../src/contracts/read-message.ts';
import { captureLog } from '../../captured-log.ts';
import { type QueueClient, startQueueClient } from '../../queue-client.ts';
import { testRabbitMqUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

type Proxy = Awaited<ReturnType<typeof startTcpProxy>>;

let url: string;
let proxy: Proxy;
let client: QueueClient;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  url = await testRabbitMqUrl();
  proxy = await startTcpProxy(url);
  client = await startQueueClient(url);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await proxy.stop();
});

/** Returns nothing, or refusals for these bodies. */
type Handle = (bodies: string[]) => Promise<unknown>;

/** Consumes through the proxy; what begins with `garbage` cannot be read; `batches` has the bodies of what was handed over, `dead` of what was given up. */
async function consume(handle: Handle = async () => {}, prefetch = 10) {
  const givenBack: string[] = [];
  const { logger, lines } = captureLog();
  const connection = await connectRabbitMq({ url: proxy.url, name: 'test', logger });
  const batches: string[][] = [];
  const dead: string[] = [];
  const reasons: string[] = [];
  const textOf = (delivery: Delivery) => delivery.body.toString();
  const publisher = createPublisher({ connection, timeoutMs: 5_000, logger });
  const giveBack = createGiveBack({ queue: REQUESTS_QUEUE, publisher, onGivenBack: () => {} });
  const consumer = createBatchConsumer({
    connection,
    queue: REQUESTS_QUEUE,
    prefetch,
    read: (delivery) => {
      const text = textOf(delivery);
      if (text.startsWith('garbage')) throw new UnreadableMessage('not_json', 'garbage');
      if (text.startsWith('newer')) throw new UnreadableMessage('newer_version', 'newer');
      return text;
    },
    handle: async (bodies) => {
      batches.push(bodies);
      return (await handle(bodies)) as (Refusal | undefined)[] | undefined;
    },
    deadLetter: async (delivery, reason) => {
      dead.push(textOf(delivery));
      reasons.push(reason);
    },
    giveBack: async (delivery) => {
      await giveBack(delivery);
      givenBack.push(textOf(delivery));
    },
    logger,
  });
  consumer.start();
  cleanups.push(async () => {
    await consumer.stop();
    await publisher.close();
    await connection.close();
  });
  return { consumer, connection, batches, dead, reasons, givenBack, lines };
}

const send = async (...texts: string[]) => {
  for (const text of texts) await client.send(REQUESTS_QUEUE, Buffer.from(text));
};
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const sorted = (texts: Iterable<string>) => [...texts].sort();

/** Resolves once no message is left, neither in hand nor waiting, after the consumer is gone. */
async function untilEmpty(consumer: BatchConsumer) {
  await consumer.stop();
  expect(await client.depth(REQUESTS_QUEUE)).toBe(0);
}

test('every message is handed over once, in order, in batches no larger than may be in hand', async () => {
  await send(...numbers(100));
  const { consumer, batches } = await consume();
  await until('all are handed over', () => batches.flat().length >= 100);
  await untilEmpty(consumer);
  expect(batches.flat()).toEqual(numbers(100));
  expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(10);
  expect(batches.length).toBeLessThan(100);
});

test('no more than may be in hand is taken while a batch is handled', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await send(...numbers(30));
  const { consumer, batches } = await consume(() => promise);
  await until('a batch is in hand', () => batches.length === 1);
  await until('the rest stays', async () => (await client.depth(REQUESTS_QUEUE)) === 20);
  resolve();
  await until('all are handed over', () => batches.flat().length === 30);
  await untilEmpty(consumer);
});

test('what was in hand when the connection was lost comes again', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await send(...numbers(5));
  const { consumer, batches } = await consume(() => promise);
  await until('a batch is in hand', () => batches.flat().length > 0);
  proxy.cut();
  await until('RabbitMQ has them back', async () => (await client.depth(REQUESTS_QUEUE)) === 5);
  resolve();
  const before = batches.length;
  proxy.open();
  await until('they come again', () => batches.slice(before).flat().length >= 5);
  expect(sorted(batches.slice(before).flat())).toEqual(numbers(5));
  await untilEmpty(consumer);
});

test('nothing is lost while the connection is cut again and again', async () => {
  const { consumer, batches } = await consume();
  for (let pass = 0; pass < 5; pass++) {
    await send(...numbers(20).map((number) => `${pass}-${number}`));
    proxy.cut();
    proxy.open();
  }
  // What was handed over as the connection was cut comes again on the one that stands now.
  await send('last');
  await until('the last is handed over', () => batches.flat().includes('last'));
  await until('all were handed over', () => new Set(batches.flat()).size === 101);
  await untilEmpty(consumer);
});

test('a batch is tried again for as long as a store is away, and nothing is given up', async () => {
  let away = true;
  await send(...numbers(3));
  const { consumer, batches, dead } = await consume(async () => {
    if (away) throw new StoreUnavailableError('away');
  });
  // More often than an unforeseen error is retried.
  await until('several attempts', () => batches.length >= 6);
  away = false;
  const before = batches.length;
  await until('it succeeds', () => batches.slice(before).flat().length >= 3);
  await untilEmpty(consumer);
  expect(dead).toEqual([]);
});

test('of a batch that fails, only the message that makes it fail is given up', async () => {
  await send('a', 'poison', 'b', 'c');
  const handled = new Set<string>();
  const { consumer, dead } = await consume(async (bodies) => {
    if (bodies.includes('poison')) throw new TypeError('this one');
    for (const body of bodies) handled.add(body);
  });
  await until('the poison is given up', () => dead.length > 0, 60_000);
  await until('the others are handled', () => handled.size === 3);
  await send('d');
  await until('the next is handled', () => handled.has('d'));
  await untilEmpty(consumer);
  expect(dead).toEqual(['poison']);
  expect(sorted(handled)).toEqual(['a', 'b', 'c', 'd']);
});

test('a message that became a dead letter while others wait for the store does not become a second one if the connection is lost', async () => {
  let away = true;
  const handled = new Set<string>();
  await send('garbage 1', '2', 'garbage 3', '4');
  const { consumer, batches, dead } = await consume(async (bodies) => {
    if (away) throw new StoreUnavailableError('away');
    for (const body of bodies) handled.add(body);
  });
  await until('both are kept, and the others tried again', () => dead.length === 2 && batches.length > 1);
  proxy.cut();
  await until('RabbitMQ has the others back', async () => (await client.depth(REQUESTS_QUEUE)) > 0);
  away = false;
  proxy.open();
  await until('the others are handled', () => handled.size === 2);
  await untilEmpty(consumer);
  expect(sorted(dead)).toEqual(['garbage 1', 'garbage 3']);
  expect(sorted(handled)).toEqual(['2', '4']);
});

test('a dead letter’s message is acknowledged while the others of its batch still wait for an answer of the store', async () => {
  const answer = Promise.withResolvers<void>();
  await send('garbage', ...numbers(8));
  // Eight may be in hand, so the ninth waits until one is acknowledged.
  const { consumer, dead } = await consume(() => answer.promise, 8);
  cleanups.push(async () => answer.resolve());
  await until('the garbage is acknowledged', async () => (await client.depth(REQUESTS_QUEUE)) === 0);
  proxy.cut();
  await until('RabbitMQ has the others back', async () => (await client.depth(REQUESTS_QUEUE)) === 8);
  answer.resolve();
  proxy.open();
  await until('the others are handled', async () => (await client.depth(REQUESTS_QUEUE)) === 0);
  await untilEmpty(consumer);
  expect(dead).toEqual(['garbage']);
});

test('a message that cannot be read, or is refused, is one dead letter, however often its batch is tried again', async () => {
  let away = true;
  await send('garbage', 'unwanted', 'a');
  const { consumer, batches, dead, reasons } = await consume(async (bodies) => {
    if (away) throw new StoreUnavailableError('away');
    return bodies.map((body) =>
      body === 'unwanted' ? { reason: 'unknown_session' as const, detail: 'nobody asked' } : undefined,
    );
  });
  await until('several attempts', () => batches.length >= 5);
  away = false;
  await until('all is done', () => dead.length === 2);
  await untilEmpty(consumer);
  expect(dead).toEqual(['garbage', 'unwanted']);
  expect(reasons).toEqual(['not_json', 'unknown_session']);
});

test('messages that all fail are not to blame: they wait, also those that come later, and none is given up', async () => {
  let unwell = true;
  await send('garbage', ...numbers(3));
  const handled = new Set<string>();
  const { consumer, batches, dead } = await consume(async (bodies) => {
    if (unwell) throw new TypeError('whatever it is');
    for (const body of bodies) handled.add(body);
  });
  // The batch, and then each message often enough to be given up.
  await until('many attempts', () => batches.length >= 20, 60_000);
  await send('later');
  await until(
    'the later one is tried, too',
    () => batches.flat().filter((body) => body === 'later').length >= 3,
    60_000,
  );
  expect(dead).toEqual(['garbage']);
  unwell = false;
  await until('all are handled', () => handled.size === 4);
  await untilEmpty(consumer);
  expect(dead).toEqual(['garbage']);
}, 180_000);

test('a message that fails alone is given up only when another goes through', async () => {
  await send('poison');
  const { consumer, batches, dead } = await consume(async (bodies) => {
    if (bodies.includes('poison')) throw new StoreUnavailableError('an odd reply', { foreseen: false });
  });
  await until('many attempts', () => batches.length >= 9, 60_000);
  expect(dead).toEqual([]);
  await send('a');
  await until('the poison is given up', () => dead.length > 0, 60_000);
  await untilEmpty(consumer);
  expect(dead).toEqual(['poison']);
}, 180_000);

test('a consumer that stops while nothing goes through gives back only what was not settled', async () => {
  await send('garbage', 'a');
  const { consumer, dead, batches } = await consume(() => Promise.reject(new StoreUnavailableError('away')));
  await until('the garbage is kept', () => dead.length === 1 && batches.length > 1);
  await consumer.stop();
  await until('the other is back', async () => (await client.depth(REQUESTS_QUEUE)) === 1);
});

test('a paused consumer leaves messages in the queue, also after a new connection, until it resumes', async () => {
  const { consumer, connection, batches } = await consume();
  await send('before');
  await until('it consumes', () => batches.flat().includes('before'));
  await consumer.pause();
  await send('meanwhile');
  proxy.cut();
  await until('the loss is seen', () => connection.state === 'connecting');
  proxy.open();
  await until('it is connected', () => connection.state === 'connected');
  expect(await client.depth(REQUESTS_QUEUE)).toBe(1);
  expect(batches.flat()).toEqual(['before']);

  await consumer.resume();
  await until('it goes on', () => batches.flat().includes('meanwhile'));
  await untilEmpty(consumer);
});

test('after pausing and resuming in quick succession, the last call decides', async () => {
  const { consumer, batches } = await consume();
  await send('first');
  await until('it consumes', () => batches.flat().includes('first'));
  for (let round = 0; round < 20; round++) {
    void consumer.pause();
    void consumer.resume();
  }
  await consumer.resume();
  await send('second');
  await until('it consumes', () => batches.flat().includes('second'));
  void consumer.resume();
  await consumer.pause();
  await send('third');
  expect(await client.depth(REQUESTS_QUEUE)).toBe(1);
});

test('a consumer that stops finishes its batch, and gives back what it could not handle', async () => {
  await send('handled');
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = await consume(() => promise);
  await until('a batch is in hand', () => first.batches.length === 1);
  const stopping = first.consumer.stop();
  resolve();
  await stopping;
  expect(await client.depth(REQUESTS_QUEUE)).toBe(0);

  await send('unhandled');
  const second = await consume(() => Promise.reject(new StoreUnavailableError('away')));
  await until('an attempt', () => second.batches.length >= 1);
  await second.consumer.stop();
  await until('it is back in the queue', async () => (await client.depth(REQUESTS_QUEUE)) === 1);
});

test('a queue that is deleted and declared again is consumed again', async () => {
  const { consumer, batches } = await consume();
  await send('first');
  await until('it consumes', () => batches.flat().includes('first'));
  const other = await startQueueClient(url);
  await other.channel.deleteQueue(REQUESTS_QUEUE);
  client = await startQueueClient(url);
  await send('second');
  await until('it consumes', () => batches.flat().includes('second'));
  await untilEmpty(consumer);
});

test('what was in hand when its queue was deleted is let go, and the consumer goes on', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { consumer, batches, lines } = await consume(() => promise);
  await send('in hand');
  await until('a batch is in hand', () => batches.length > 0);
  await client.channel.deleteQueue(REQUESTS_QUEUE);
  resolve();
  client = await startQueueClient(url);
  await send('next');
  await until('it consumes', () => batches.flat().includes('next'));
  await untilEmpty(consumer);
  expect(lines.filter(({ msg }) => msg.includes('PRECONDITION_FAILED'))).toEqual([]);
});

test('a message of a newer version stays in the queue for a process that knows it, unchanged, and no other waits for it', async () => {
  const { consumer, batches, dead, givenBack, lines } = await consume();
  const properties = {
    ...{ messageId: 'm-1', correlationId: 'theirs', replyTo: 'somewhere', contentType: 'application/x', priority: 3 },
    ...{ timestamp: 1_700_000_000, expiration: '86400000', type: 'question', appId: 'their-service' },
  };
  await client.send(REQUESTS_QUEUE, Buffer.from('newer'), { ...properties, headers: { 'x-theirs': 'kept' } });
  await send(...numbers(50));
  await until('the others are handled', () => batches.flat().length === 50);
  await until('it was given back twice', () => givenBack.length === 2);
  await consumer.stop();

  const message = await client.take(REQUESTS_QUEUE);
  expect(message.content.toString()).toBe('newer');
  expect(message.properties).toMatchObject(properties);
  expect(message.properties.headers).toMatchObject({ 'x-theirs': 'kept' });
  expect(Date.parse(message.properties.headers?.[NEWER_SINCE_HEADER])).toBeLessThan(Date.now());
  expect(await client.depth(REQUESTS_QUEUE)).toBe(0);
  expect([dead, sorted(batches.flat())]).toEqual([[], sorted(numbers(50))]);
  expect(lines.filter(({ msg }) => msg.includes('newer version'))).toHaveLength(1);
});

test('many messages of a newer version are given back, and let the others through, however few are delivered at a time', async () => {
  const { consumer, batches, dead, givenBack } = await consume(undefined, 2);
  await send(...numbers(20).map((number) => `newer ${number}`), 'other');
  await until('the other is handled', () => batches.flat().length === 1);
  expect(new Set(givenBack).size).toBeGreaterThanOrEqual(18);
  await consumer.stop();
  expect(dead).toEqual([]);
  await until('all are in the queue', async () => (await client.depth(REQUESTS_QUEUE)) === 20);
});

test('a message of a newer version that nobody knew in time becomes a dead letter', async () => {
  const { consumer, dead, reasons } = await consume();
  const headers = { [NEWER_SINCE_HEADER]: new Date(Date.now() - WAITS_FOR_MS - 1_000).toISOString() };
  await client.send(REQUESTS_QUEUE, Buffer.from('newer'), { headers });
  await until('it is a dead letter', () => dead.length === 1);
  expect(reasons).toEqual(['newer_version']);
  await untilEmpty(consumer);
});

test('messages in hand are not acknowledged together with one of a newer version', async () => {
  const { connection, batches, givenBack } = await consume();
  await send('newer', ...numbers(20));
  await until('the others are handled', () => batches.flat().length === 20);
  expect(givenBack).toEqual([]);
  // RabbitMQ delivers again what was not acknowledged.
  await connection.close();
  const message = await client.take(REQUESTS_QUEUE);
  expect(message.content.toString()).toBe('newer');
});

test('a connection that closes before the acknowledgements are sent does no harm', async () => {
  const { connection, batches } = await consume(async () => {
    // The acknowledgement is due while the connection waits for RabbitMQ's answer to its goodbye.
    proxy.holdFromServer();
    void connection.close();
  });
  await send('newer', '1', '2');
  await until('the batch is handled', () => batches.flat().length === 2);
  await new Promise((resolve) => setTimeout(resolve, 200));
  proxy.release();
  expect((await client.take(REQUESTS_QUEUE)).content.toString()).toBe('newer');
});

test('a consumer that stops while it holds a message of a newer version leaves that in the queue', async () => {
  const { consumer, batches, givenBack } = await consume();
  await send('newer', ...numbers(5));
  await until('the others are handled', () => batches.flat().length === 5);
  await consumer.stop();
  expect(givenBack).toEqual([]);
  expect((await client.take(REQUESTS_QUEUE)).content.toString()).toBe('newer');
});
