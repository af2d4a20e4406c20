import { afterEach, expect, test } from '@jest/globals';
import { Counter, Registry } from 'prom-client';
import type { HttpServer } from '../../src/observability/http-server.ts';
import { createHistogram } from '../../src/observability/metric-series.ts';
import { startMetricsServer } from '../../src/observability/metrics-server.ts';

const host = '127.0.0.1';
/** What Prometheus 2 sends, and what Prometheus 3 does. */
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

let server: HttpServer;
afterEach(() => server.stop());

async function start(token?: string) {
  const registry = new Registry();
  registry.setDefaultLabels({ process: 'api' });
  const registers = [registry];
  new Counter({ name: 'questions_total', help: 'Questions.', registers }).inc(3);
  const histogram = createHistogram({
    name: 'answer_seconds',
    help: 'Answers.',
    labelNames: ['status'],
    buckets: [1, 5],
    registers,
  });
  histogram.observe({ status: 'ok' }, 2, TRACE_ID);
  histogram.observe({ status: 'ok' }, 0.5, '');
  server = await startMetricsServer({ host, port: 0, registry, token });
  return (headers: Record<string, string> = {}) => fetch(`http://${host}:${server.port}/metrics`, { headers });
}

test('Prometheus gets OpenMetrics with the trace of an example, and everybody else gets plain text, in any order', async () => {
  const scrape = await start();
  for (const accepted of [PROMETHEUS, PROMETHEUS_3]) {
    const open = await scrape({ Accept: accepted });
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const text = await open.text();
    expect(text).toContain('# TYPE questions counter\nquestions_total{process="api"} 3\n');
    expect(text).toMatch(
      new RegExp(
        `^answer_seconds_bucket\\{le="5",process="api",status="ok"\\} 2 # \\{trace_id="${TRACE_ID}"\\} 2 [\\d.]+$`,
        'm',
      ),
    );
    expect(text).toMatch(/^answer_seconds_bucket\{le="1",process="api",status="ok"\} 1$/m);
    expect(text).toMatch(/\n# EOF\n$/);

    for (const accept of [
      '*/*',
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'text/plain',
      'application/openmetrics-text;q=0.2, text/plain',
    ]) {
      const plain = await scrape({ Accept: accept });
      expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      const plainText = await plain.text();
      expect(plainText).toContain('# TYPE questions_total counter\nquestions_total{process="api"} 3\n');
      expect(plainText).not.toContain(TRACE_ID);
    }
  }
});

test('with a token, only those who have it read the metrics', async () => {
  const token = 'a-token-of-some-length';
  const scrape = await start(token);
  for (const authorization of ['', 'Bearer', 'Bearer another-token-of-len', `Basic ${token}`, `Bearer ${token}x`]) {
    const refused = await scrape(authorization ? { Authorization: authorization } : {});
    expect([authorization, refused.status]).toEqual([authorization, 401]);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refused.text()).not.toContain('questions');
  }
  const allowed = await scrape({ Authorization: `Bearer ${token}` });
  expect(allowed.status).toBe(200);
  expect(await allowed.text()).toContain('questions_total');
});
