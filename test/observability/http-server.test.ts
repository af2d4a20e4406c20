import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { type HttpServer, listen } from '../../src/observability/http-server.ts';

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
])(
  'a client that never ends its %s is told so, and loses its connection',
  async (_, text) => {
    expect(await send(text)).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
  },
  120_000,
);
