import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { type HttpServer, listen } from '../../src/observability/http-server.ts';
import { until } from '../until.ts';

let server: HttpServer;
const app = express()
  .use(express.json())
  .post('/', (_, res) => void res.send('read'));
beforeAll(async () => {
  server = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(() => server.stop());

/** Sends something and then nothing more. Returns all that comes back until the server closes the connection. */
async function send(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(text);
  let reply = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    reply += chunk;
  });
  await once(socket, 'close');
  return reply;
}

test.each([
  ['headers', 'POST / HTTP/1.1\r\nHost: a\r\n'],
  ['body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"'],
])('a client that never ends its %s is told so, and loses its connection', async (_, text) => {
  expect(await send(text)).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
});

test('a connection beyond the limit is closed, and there is room again once another one ends', async () => {
  const limited = await listen(app, { host: '127.0.0.1', port: 0, maxConnections: 2 });
  const request = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';
  /** Asks on a connection that stays open. Returns the reply; undefined: the server has closed the connection. */
  const open = async () => {
    const socket = connect(limited.port, '127.0.0.1').setEncoding('utf8');
    socket.on('error', () => {}).write(request);
    const first = once(socket, 'data').then(([reply]: string[]) => reply);
    return { socket, reply: await Promise.race([first, once(socket, 'close').then(() => undefined)]) };
  };
  const kept = [await open(), await open()];
  for (const { reply } of kept) expect(reply).toMatch(/^HTTP\/1.1 200 /);
  expect((await open()).reply).toBeUndefined();
  kept[0]!.socket.destroy();
  await until('there is room', async () => (await open()).reply !== undefined);
  kept[1]!.socket.destroy();
  await limited.stop();
});
