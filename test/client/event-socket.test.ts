import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { createEventSocket } from '../../src/client/event-socket.ts';

const PINGS = 5;

let server: WebSocketServer;
afterEach(() => {
  for (const socket of server.clients) socket.terminate();
  server.close();
});

test('a client whose clock is ahead does not ask for tokens without a pause', async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const seen = { authenticate: 0, subscribe: 0, unsubscribe: 0, ping: 0 };
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { type, id } = JSON.parse(String(data)) as { type: keyof typeof seen; id?: string };
      seen[type] += 1;
      const expiresAt = new Date(Date.now() - 60_000).toISOString();
      if (type === 'authenticate')
        socket.send(JSON.stringify({ type: 'authenticated', id: null, userId: 'u', expiresAt }));
      else if (type === 'ping') socket.send(JSON.stringify({ type: 'pong', id: null }));
      if (seen.ping === PINGS) socket.send(JSON.stringify({ type: 'ended', id: id ?? '1', complete: true }));
    });
  });
  let tokens = 0;
  const socket = createEventSocket({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: async () => `token ${++tokens}`,
  });
  // It pings three times in this time, so the answer ends after several pings.
  const arrivals: string[] = [];
  for await (const { type } of socket.read('r', -1, { silenceMs: 1_000 })) arrivals.push(type);
  expect(arrivals).toEqual(['open', 'nothing-left']);
  expect(seen.subscribe).toBe(1);
  expect(seen.authenticate).toBeLessThan(PINGS);
});
