import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Registry } from 'prom-client';
import { createApiMetrics, createWorkerMetrics, measureQueues } from '../../src/observability/metrics.ts';

const operating = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
/** None of them may carry an id or a text of a user. */
const KNOWN_LABELS = new Set([
  ...['cause', 'code', 'kind', 'method', 'model', 'outcome', 'provider', 'queue', 'reason'],
  ...['result', 'route', 'server', 'state', 'status', 'step', 'why'],
]);

interface Metric {
  name: string;
  help: string;
  labelNames: string[];
}

function metricsOf(registry: Registry): Metric[] {
  const none = async () => undefined;
  measureQueues(registry, { brokerQueues: none, jobs: none });
  const all = registry.getMetricsAsArray() as unknown as Metric[];
  return all.filter(({ name }) => name.startsWith('healify_'));
}

const metrics = [...metricsOf(createApiMetrics().registry), ...metricsOf(createWorkerMetrics().registry)];

test.each(metrics.map((metric) => [metric.name, metric] as const))(
  'an operator finds %s in the documents with its labels, and a sentence of help beside it',
  (name, { help, labelNames }) => {
    expect(operating).toContain(labelNames.length > 0 ? `\`${name}{${labelNames.join(',')}}\`` : `\`${name}\``);
    expect(help).toMatch(/^[A-Z\d].*\.$/);
    expect([...labelNames].filter((label) => !KNOWN_LABELS.has(label))).toEqual([]);
  },
);

test('a depth that cannot be read is left out of a scrape, and is no zero', async () => {
  const { registry } = createWorkerMetrics();
  let depths: Record<string, number> | undefined = { chat_requests: 3 };
  measureQueues(registry, { brokerQueues: async () => depths });
  expect(await registry.metrics()).toContain('healify_broker_queue_messages{queue="chat_requests",process="worker"} 3');
  depths = undefined;
  expect(await registry.metrics()).not.toMatch(/^healify_broker_queue_messages\{/m);
});
