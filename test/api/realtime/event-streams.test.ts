import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import express from 'express';
import { createEventStreams, type EventStream, type EventStreams } from '../../../src/api/realtime/event-streams.ts';
import { createStreamPlaces } from '../../../src/api/realtime/stream-places.ts';
import { until } from '../../until.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server with one stream, which the test writes, and a reader that reads only when it is told. */
async function start(stalledMs: number, { openWhenGone = false } = {}) {
  const cutOff: string[] = [];
  const open = { sse: 0, ws: 0 };
  const streams: EventStreams = createEventStreams({
    places: createStreamPlaces({
      onCount: (kind, count) => {
        open[kind] = count;
      },
    }),
    hasEnded: () => false,
    onCutOff: (reason) => cutOff.push(reason),
    stalledMs,
  });
  let stream: EventStream | undefined;
  const server = createServer(
    express().use((_req, res) => {
      const open = () => {
        stream = streams.open(res, { userId: 'ann' });
        stream.begin();
      };
      if (!openWhenGone) return open();
      res.once('close', open);
      reader.destroy();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1');
  reader.on('error', () => {});
  reader.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  reader.pause();
  closing.push(() => {
    reader.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { cutOff, open, reader, stream: await until('the stream', () => stream) };
}

const LARGE = { type: 'delta', text: 'x'.repeat(400_000), offset: 0 } as const;

test('a reader that takes nothing for too long is disconnected, and its place is free', async () => {
  const { cutOff, open, stream } = await start(300);
  expect(open.sse).toBe(1);
  // What a reader does not read is kept by the system at first, and then here. Only then does `send` wait.
  for (let n = 0; cutOff.length === 0; n++) {
    expect(n).toBeLessThan(100);
    await stream.send(LARGE, String(n));
  }
  expect(cutOff).toEqual(['too_slow']);
  await until('the place is free', () => open.sse === 0);
  // What is sent after that goes nowhere, and waits for nothing.
  await stream.send(LARGE, 'late');
});

test('a reader that goes before its stream is opened takes no place', async () => {
  const { open, stream } = await start(60_000, { openWhenGone: true });
  await stream.send(LARGE, '0');
  stream.end();
  expect(open.sse).toBe(0);
});

test('a reader that reads again in time gets everything', async () => {
  const { cutOff, reader, stream } = await start(60_000);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 30; sent++) await stream.send(LARGE, String(sent));
    stream.end();
  })();
  let waits = 0;
  await until('the stream is full', () => {
    waits = waits === 0 || sent !== lastSent ? 1 : waits + 1;
    lastSent = sent;
    return waits > 30;
  });
  expect(sent).toBeLessThan(30);
  let text = '';
  reader.on('data', (data) => {
    text += data;
  });
  reader.resume();
  await sending;
  await until('the last event', () => text.includes('id: 29\n'));
  expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(
    Array.from({ length: 30 }, (_, n) => n),
  );
  expect(cutOff).toEqual([]);
});
let lastSent = -1;

test('a login that ends after its token was checked opens no stream', async () => {
  const places = createStreamPlaces({ onCount: () => {} });
  const streams = createEventStreams({ places, hasEnded: (loginId) => loginId === 'ended', onCutOff: () => {} });
  const server = createServer(
    express().use((req, res) => {
      const stream = streams.open(res, { userId: 'ann', loginId: req.path.slice(1) });
      stream.begin();
      stream.end();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const statusOf = async (loginId: string) =>
    (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${loginId}`)).status;
  expect([await statusOf('goes-on'), await statusOf('ended')]).toEqual([200, 401]);
});
