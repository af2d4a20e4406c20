import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { createHeartbeat } from '../../../../src/api/realtime/socket/heartbeat.ts';
import { createMessageRate } from '../../../../src/api/realtime/socket/message-rate.ts';
import { createOutbox } from '../../../../src/api/realtime/socket/outbox.ts';
import { until } from '../../../until.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A WebSocket as the api has it, and its client, which reads only when it is told and answers nothing by itself. */
async function connectSilently(): Promise<{ socket: WebSocket; client: Socket }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  client.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  client.pause();
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  closing.push(() => {
    client.destroy();
    socket.terminate();
    server.close();
  });
  return { socket, client };
}

const pong = (id: string) => ({ type: 'pong', id }) as const;
const LARGE = 'x'.repeat(400_000);

test('a reader that takes nothing lets little wait here, and is told to go after some time', async () => {
  const { socket } = await connectSilently();
  let stalled = 0;
  const outbox = createOutbox(socket, {
    stalledMs: 300,
    onStalled: () => {
      stalled += 1;
      socket.close(4004, 'too_slow');
    },
  });
  const sending = Array.from({ length: 60 }, () => outbox.send(pong(LARGE)));
  await until('the reader is given up', () => stalled === 1);
  // One message and the bound, however many were to be sent.
  expect(socket.bufferedAmount).toBeLessThan(LARGE.length + 100_000);
  socket.terminate();
  await Promise.all(sending);
  expect(stalled).toBe(1);
});

test('messages to a slow reader keep their order, and none is lost once it reads', async () => {
  const { socket, client } = await connectSilently();
  const outbox = createOutbox(socket, {
    stalledMs: 60_000,
    onStalled: () => {
      throw new Error('it has read');
    },
  });
  const sending = Array.from({ length: 40 }, (_, n) => outbox.send(pong(`${n}:${LARGE}`)));
  await until('it is full', () => outbox.full);
  let text = '';
  client.on('data', (data) => {
    text += data.toString('latin1');
  });
  client.resume();
  await Promise.all(sending);
  await until('the last message', () => text.includes('"39:'));
  expect([...text.matchAll(/"(\d+):x/g)].map(([, n]) => Number(n))).toEqual(Array.from({ length: 40 }, (_, n) => n));
});

test('a connection whose peer does not answer a ping is dead; one that answers, or cannot answer, is not', async () => {
  const heartbeat = createHeartbeat(1_000);
  closing.push(heartbeat.stop);
  const dead: string[] = [];
  const watch = (name: string, socket: WebSocket, isFull = () => false) =>
    heartbeat.watch(socket, isFull, () => {
      dead.push(name);
      socket.terminate();
    });
  const [silent, full] = [await connectSilently(), await connectSilently()];
  watch('full', full.socket, () => true);
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [answering] = (await once(server, 'connection')) as [WebSocket];
  closing.push(() => {
    client.terminate();
    server.close();
  });
  let pings = 0;
  client.on('ping', () => {
    pings += 1;
  });
  watch('answering', answering);
  watch('silent', silent.socket);
  await until('one is dead, and another was asked several times', () => dead.length > 0 && pings > 3);
  expect(dead).toEqual(['silent']);
});

test('a connection may send some messages at once, and then so many in a second', () => {
  let now = 0;
  const may = createMessageRate({ atOnce: 3, perSecond: 2 }, () => now);
  const tries = (count: number) => Array.from({ length: count }, may).filter((allowed) => allowed).length;
  expect(tries(5)).toBe(3);
  now += 1_000;
  expect(tries(5)).toBe(2);
  now += 3_600_000;
  expect(tries(5)).toBe(3);
});
