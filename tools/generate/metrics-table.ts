import type { Registry } from 'prom-client';
import { createApiMetrics, createWorkerMetrics, measureProcesses } from '../../src/observability/metrics.ts';
import { measureOldestQuestion, measureQueues, measureStandingLetters } from '../../src/observability/queue-metrics.ts';
import { measureSweeps } from '../../src/observability/sweep-metrics.ts';

interface Metric {
  name: string;
  help: string;
  type: string;
  labelNames: readonly string[];
}

/** The tables of `docs/metrics.md`: the metrics of both processes, of the api and of the worker, and those of Node. */
export function metricsTables(): string {
  const [api, worker] = [createApiMetrics().registry, createWorkerMetrics().registry];
  for (const registry of [api, worker]) measureQueues(registry, async () => undefined);
  measureOldestQuestion(api, async () => undefined);
  measureStandingLetters(api, { read: async () => undefined, retentionMs: 0 });
  measureSweeps(api, [], async () => ({}));
  measureProcesses(api, async () => []);
  const [ofApi, ofWorker] = [metricsOf(api), metricsOf(worker)];
  const names = new Set(ofWorker.map(({ name }) => name));
  const common = ofApi.filter(({ name }) => names.has(name));
  const without = (all: Metric[]) => all.filter(({ name }) => !common.some((metric) => metric.name === name));
  return [
    section('Api and worker', common.filter(isOurs)),
    section('Api', without(ofApi)),
    section('Worker', without(ofWorker)),
    section(
      'Node',
      common.filter((metric) => !isOurs(metric)),
    ),
  ].join('\n\n');
}

/** prom-client has these on Linux only, and what is generated must be the same everywhere. docs/metrics.md names them itself. */
const ON_LINUX = ['process_heap_bytes', 'process_max_fds', 'process_open_fds', 'process_virtual_memory_bytes'];

const metricsOf = (registry: Registry) =>
  (registry.getMetricsAsArray() as unknown as Metric[]).filter(({ name }) => !ON_LINUX.includes(name));
const isOurs = ({ name }: Metric) => /^(healify|gen_ai)_/.test(name);

function section(title: string, metrics: readonly Metric[]): string {
  const rows = [...metrics]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, labelNames, help }) => {
      const labels = labelNames.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${labels} | ${help.replaceAll('|', '\\|')} |`;
    });
  return [`## ${title}`, '', '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
