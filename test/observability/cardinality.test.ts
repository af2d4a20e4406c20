import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { Router } from 'express';
import { pino } from 'pino';
import type { Registry } from 'prom-client';
import { createApp } from '../../src/api/app.ts';
import { boundedLabel } from '../../src/observability/bounded-label.ts';
import { createHealthRouter } from '../../src/observability/health.ts';
import { createApiMetrics, createWorkerMetrics } from '../../src/observability/metrics.ts';
import { createModelReports } from '../../src/observability/model-reports.ts';

const logger = pino({ level: 'silent' });
const MANY = 1_000;

/** How many time series each metric has, but for the buckets of histograms. */
async function seriesOf(registry: Registry, pattern: RegExp): Promise<number> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => pattern.test(line) && !line.startsWith('#')).length;
}

test('whatever addresses and methods are asked for, the metrics of requests stay few', async () => {
  const metrics = createApiMetrics();
  const app = createApp({
    version: '1',
    trustProxy: 0,
    health: createHealthRouter({ checks: {}, version: '1' }),
    admin: Router(),
    accounts: undefined,
    chat: Router().get('/chat/session/:sessionId', (_req, res) => void res.json({})),
    metrics,
    logger,
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (method: string, path: string) => {
    const sent = request({ port, method, path }).end();
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
  };
  const methods = ['GET', 'DELETE', 'PROPFIND', 'M-SEARCH', 'PURGE', 'LINK', 'MKCOL', 'SUBSCRIBE'];
  for (let index = 0; index < 300; index += 1) {
    const path = [`/${index}`, `/chat/session/${index}`, `/admin/${index}`, `/docs/${index}`, `/%0A${index}"`][
      index % 5
    ]!;
    await ask(methods[index % methods.length]!, path);
  }
  server.close();
  const series = await seriesOf(metrics.registry, /^healify_http_request_duration_seconds_count/);
  expect(series).toBeGreaterThan(5);
  expect(series).toBeLessThan(60);
  expect(await metrics.registry.metrics()).not.toMatch(/\b299\b|PROPFIND/);
});

test('whatever models, providers and errors there are, the metrics of models stay few, and no text is a label', async () => {
  const metrics = createWorkerMetrics();
  const { onCall, onBreaker } = createModelReports(metrics, logger);
  for (let index = 0; index < MANY; index += 1) {
    const target = { provider: `p${index}`, model: 'm' };
    onCall(target, { outcome: `e${index}`, durationMs: 1, traceId: '', uncertain: 'no answer' });
    onCall({ provider: 'p', model: `m${index}` }, { outcome: 'ok', durationMs: 1, traceId: '' });
    onBreaker(target, { state: 'shut', cause: 'key', keyFingerprint: '' });
  }
  onCall({ provider: 'p1', model: 'Why does\nmy "head" hurt?' }, { outcome: 'ok', durationMs: 1, traceId: '' });
  for (const pattern of [/^gen_ai_client_operation_duration_seconds_count/, /^healify_uncertain/, /^healify_gate/]) {
    const series = await seriesOf(metrics.registry, pattern);
    expect(series).toBeGreaterThan(90);
    expect(series).toBeLessThan(310);
  }
  const text = await metrics.registry.metrics();
  expect(text).toContain('gen_ai_provider_name="other"');
  expect(text).not.toContain('head');
});

test('a label keeps the names that it has, and calls all others other', () => {
  const label = boundedLabel(3);
  expect(['a', 'b', 'c', 'd', 'a', 'c', 'e'].map(label)).toEqual(['a', 'b', 'c', 'other', 'a', 'c', 'other']);
  expect(['', 'two\nlines', 'x'.repeat(129), 'What "is" it?'].map(boundedLabel())).toEqual(Array(4).fill('other'));
  expect(boundedLabel()('gpt-4o-mini@2026-01 (EU)')).toBe('other');
  expect(['meta-llama/Llama-3.1:free', 'api.openai.com', 'ECONNRESET'].map(boundedLabel())).toEqual([
    ...['meta-llama/Llama-3.1:free', 'api.openai.com', 'ECONNRESET'],
  ]);
});
