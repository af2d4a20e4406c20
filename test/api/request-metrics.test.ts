import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express, { type Response } from 'express';
import { createEventStreams } from '../../src/api/realtime/event-streams.ts';
import { createStreamPlaces } from '../../src/api/realtime/stream-places.ts';
import { measureRequests } from '../../src/api/request-metrics.ts';
import { createApiMetrics } from '../../src/observability/metrics.ts';

const metrics = createApiMetrics();
const streams = createEventStreams({
  places: createStreamPlaces({ onCount: () => {} }),
  hasEnded: () => false,
  onCutOff: () => {},
});
/** When the last stream had begun, by the monotonic clock. */
let begunAt = 0;
let reply: Response;
let opened: (() => void) | undefined;

const app = express();
app.use((req, _res, next) => {
  req.traceparent = '';
  next();
});
app.use(measureRequests(metrics, (path) => ({ pattern: path }) as never));
app.get('/stream', (_req, res) => {
  reply = res;
  streams.open(res, { userId: 'u' }).begin();
  begunAt = performance.now();
  opened?.();
});
const server = createServer(app);
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const shownOf = async (name: string) => {
  const text = await metrics.registry.metrics();
  return Number(new RegExp(`^${name}\\{.*route="/stream",status="200".*\\} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
};

test('a stream counts as replied to once it has begun, however long it lasts and whoever ends it', async () => {
  const askedAt = performance.now();
  const whole = await fetch(`${url}/stream`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const closed = once(reply, 'close');
  reply.end();
  await whole.text();
  await closed;
  const seconds = await shownOf('healify_http_request_duration_seconds_sum');
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual((begunAt - askedAt) / 1000);

  const reader = new AbortController();
  const begun = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const left = await fetch(`${url}/stream`, { signal: reader.signal });
  await begun;
  const gone = once(reply, 'close');
  reader.abort();
  await left.text().catch(() => {});
  await gone;
  expect(await shownOf('healify_http_request_duration_seconds_count')).toBe(2);
});
