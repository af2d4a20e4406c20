import { expect, test } from '@jest/globals';
import { createConnectionReports } from '../../src/observability/connection-reports.ts';
import { createApiMetrics } from '../../src/observability/metrics.ts';

test('an operator sees which connections stand, and how often each came back', async () => {
  const { registry, ...metrics } = createApiMetrics();
  const onUp = createConnectionReports(metrics);
  // It could not connect at first, which is no reconnect.
  for (const up of [false, false, true, true, false, false, true, false, true]) onUp('redis', up);
  for (const up of [true, false]) onUp('rabbitmq-publish', up);
  const lines = (await registry.metrics()).split('\n').filter((line) => /^healify_(connection|reconnects)/.test(line));
  expect(lines).toEqual([
    'healify_connection_up{server="redis",process="api"} 1',
    'healify_connection_up{server="rabbitmq-publish",process="api"} 0',
    'healify_reconnects_total{server="redis",process="api"} 2',
  ]);
});
