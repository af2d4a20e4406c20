import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { type BrokerConnection, type BrokerState, connectRabbitMq } from '../../../src/adapters/rabbitmq/connection.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../../src/contracts/queues.ts';
import type { RabbitMq } from '../../../tools/services/rabbitmq.ts';
import { captureLog } from '../../captured-log.ts';
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

async function open(url: string) {
  const log = captureLog();
  const states: BrokerState[] = [];
  const connection = await connectRabbitMq({
    url,
    name: 'test',
    logger: log.logger,
    onStateChange: (state) => states.push(state),
  });
  cleanups.push(() => connection.close());
  return { connection, states, ...log };
}

async function proxyTo(url: string) {
  const proxy = await startTcpProxy(url);
  cleanups.push(() => proxy.stop());
  return proxy;
}

const inState = (connection: BrokerConnection, state: BrokerState, deadlineMs = 30_000) =>
  until(`the connection is ${state}`, () => connection.state === state, deadlineMs);

test('the queues are there once it is ready, and again after each further connection', async () => {
  const url = await testRabbitMqUrl();
  const { connection } = await open(url);
  await connection.ready();
  await (await open(url)).connection.ready();

  const visitor = await connect(url);
  cleanups.push(() => visitor.close());
  const channel = await visitor.createChannel();
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE, `${REQUESTS_QUEUE}.dlq`, `${RESPONSES_QUEUE}.dlq`]) {
    expect(await channel.checkQueue(queue)).toMatchObject({ queue, messageCount: 0 });
  }
});

test('a process waits for a broker that starts late, and logs it once', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  proxy.cut();
  const { connection, states, said } = await open(proxy.url);
  await until('some attempts', () => proxy.accepted >= 4);
  expect(connection.state).toBe('connecting');
  expect(said('waiting for RabbitMQ')).toHaveLength(1);

  proxy.open();
  await connection.ready();
  expect(states).toEqual(['connected']);
  expect(said('connected to RabbitMQ')).toHaveLength(1);
});

test('a lost connection is made again, owners of channels are told, and it is logged once', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  const { connection, states, said } = await open(proxy.url);
  let opened = 0;
  connection.onConnected(() => {
    opened += 1;
  });
  await connection.ready();
  expect(opened).toBe(1);

  proxy.cut();
  const attempts = proxy.accepted;
  await until('some attempts', () => proxy.accepted >= attempts + 3);
  proxy.open();
  await inState(connection, 'connected');

  expect(opened).toBe(2);
  expect(states).toEqual(['connected', 'connecting', 'connected']);
  expect(said('lost RabbitMQ')).toHaveLength(1);
  expect(said('waiting for RabbitMQ').length).toBeLessThanOrEqual(1);
  expect(said('connected to RabbitMQ')).toHaveLength(2);

  let late = 0;
  connection.onConnected(() => {
    late += 1;
  });
  expect(late).toBe(1);
});

test('a broker that falls silent is given up after its heartbeats stay away', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  const { connection, said } = await open(`${proxy.url}?heartbeat=1`);
  await connection.ready();
  proxy.silence();
  await inState(connection, 'connecting');
  expect(said('lost RabbitMQ')).toHaveLength(1);
  proxy.open();
  await inState(connection, 'connected');
});

test.each(['cut', 'silent'] as const)(
  'a connection that is %s at any moment before it is ready is made again',
  async (how) => {
    const url = await testRabbitMqUrl();
    // The handshake's three, then a channel, four queues looked for and declared, and the channel's end.
    const pieces = Array.from({ length: 13 }, (_, index) => index + 1);
    const connections = await Promise.all(
      pieces.map(async (piece) => {
        const proxy = await proxyTo(url);
        proxy.breakNext(piece, how);
        const { connection } = await open(`${proxy.url}?heartbeat=1`);
        await until(`it is ready, ${how} at piece ${piece}`, () => connection.state === 'connected');
        return proxy.accepted;
      }),
    );
    expect(connections).toEqual(pieces.map(() => 2));
  },
);

test('a queue that exists with other arguments is named, with what to do about it', async () => {
  const url = await testRabbitMqUrl();
  const visitor = await connect(url);
  cleanups.push(() => visitor.close());
  const channel = await visitor.createChannel();
  await channel.assertQueue(REQUESTS_QUEUE, { durable: true, arguments: { 'x-queue-type': 'classic' } });

  const { connection, said } = await open(url);
  const [line] = await until(
    'it is said',
    () => said('waiting for RabbitMQ').length > 0 && said('waiting for RabbitMQ'),
  );
  expect(line?.reason).toContain(`queue ${REQUESTS_QUEUE} `);
  expect(line?.reason).toContain('delete it');

  await channel.deleteQueue(REQUESTS_QUEUE);
  await connection.ready();
});

test.each([
  ['another AMQP', 'AMQP\x03\x01\x00\x00'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['nothing', ''],
])('a server that speaks %s is not one of ours, and that is said', async (_, words) => {
  const other = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(words, 'latin1')));
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  cleanups.push(async () => other.close());
  const { said } = await open(`amqp://localhost:${(other.address() as AddressInfo).port}`);
  const [line] = await until(
    'it is said',
    () => said('waiting for RabbitMQ').length > 0 && said('waiting for RabbitMQ'),
  );
  expect(line?.reason).toContain('another service');
});

test('a wrong password is reported, without the password', async () => {
  const url = new URL(await testRabbitMqUrl());
  url.password = 'my-wrong-secret';
  const { lines, said } = await open(url.href);
  const [line] = await until(
    'it is said',
    () => said('waiting for RabbitMQ').length > 0 && said('waiting for RabbitMQ'),
  );
  expect(line?.reason).toContain('ACCESS_REFUSED');
  expect(JSON.stringify(lines)).not.toContain('my-wrong-secret');
});

test('a broker that is killed and started again is found again, with its queues', async () => {
  const { connection, states, said } = await open(server.url);
  await connection.ready();
  await server.kill();
  await inState(connection, 'connecting');
  await server.start();
  await inState(connection, 'connected');
  expect(states).toEqual(['connected', 'connecting', 'connected']);
  expect(said('lost RabbitMQ')).toHaveLength(1);
});

test('a closed connection stays closed and says nothing more', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  const { connection, states, lines } = await open(proxy.url);
  await connection.ready();
  await connection.close();
  const count = lines.length;
  proxy.cut();
  proxy.open();
  await connection.close();
  expect(connection.state).toBe('closed');
  expect(states).toEqual(['connected', 'closed']);
  expect(lines).toHaveLength(count);
});

test('a connection that waits for its broker can be closed', async () => {
  const proxy = await proxyTo(await testRabbitMqUrl());
  proxy.cut();
  const { connection } = await open(proxy.url);
  await connection.close();
  expect(connection.state).toBe('closed');
  await expect(connection.ready()).rejects.toThrow('closed');
});
