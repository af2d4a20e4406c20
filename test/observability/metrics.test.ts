import { expect, test } from '@jest/globals';
import type { Registry } from 'prom-client';
import { createApiMetrics, createWorkerMetrics } from '../../src/observability/metrics.ts';
import { measureOldestQuestion, measureQueues } from '../../src/observability/queue-metrics.ts';
import type { QueuesSeen } from '../../src/observability/queues-seen.ts';

/** None of them may carry an id or a text of a user. */
const KNOWN_LABELS = new Set([
  ...[
    'action',
    'cached',
    'cause',
    'code',
    'command',
    'kind',
    'method',
    'model',
    'operation',
    'outcome',
    'provider',
    'queue',
    'rating',
    'region',
  ],
  ...['reason', 'result', 'route', 'server', 'setting', 'state', 'status', 'step', 'sweep', 'was', 'why'],
  ...['error_type', 'gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'gen_ai_token_type'],
]);

interface Metric {
  name: string;
  help: string;
  labelNames: string[];
}

function metricsOf(registry: Registry): Metric[] {
  measureQueues(registry, async () => undefined);
  measureOldestQuestion(registry, async () => undefined);
  const all = registry.getMetricsAsArray() as unknown as Metric[];
  return all.filter(({ name }) => /^(healify|gen_ai)_/.test(name));
}

const metrics = [...metricsOf(createApiMetrics().registry), ...metricsOf(createWorkerMetrics().registry)];

test.each(metrics.map((metric) => [metric.name, metric] as const))(
  'an operator reads in a sentence what %s is, and no label of it is made for ids or texts',
  (_name, { help, labelNames }) => {
    expect(help).toMatch(/^[A-Z\d].*\.$/);
    expect([...labelNames].filter((label) => !KNOWN_LABELS.has(label))).toEqual([]);
  },
);

test('what cannot be read is left out of a scrape, and is no zero', async () => {
  const { registry } = createWorkerMetrics();
  const wait = { count: 2, ageMs: 1_500 };
  let seen: QueuesSeen | undefined = {
    broker: { chat_requests: { messages: 3, consumers: 1, notEmptyForMs: 2_000 } },
    jobs: { pauses: { 'chat-0': false, 'chat-1': true }, states: { wait, active: { count: 0, ageMs: undefined } } },
    notEmptySince: {},
  };
  let ageMs: number | undefined = 4_000;
  measureQueues(registry, async () => seen);
  measureOldestQuestion(registry, async () => ageMs);
  const shown = async () =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => /^healify_(broker|jobs|oldest)/.test(line))
      .map((line) => line.replace(/^healify_|,?process="worker"/g, ''));
  expect(await shown()).toEqual([
    'broker_queue_messages{queue="chat_requests"} 3',
    'broker_queue_consumers{queue="chat_requests"} 1',
    'broker_queue_not_empty_seconds{queue="chat_requests"} 2',
    'jobs{state="wait"} 2',
    'jobs{state="active"} 0',
    'jobs_first_age_seconds{state="wait"} 1.5',
    'jobs_paused{queue="chat-0"} 0',
    'jobs_paused{queue="chat-1"} 1',
    'oldest_open_question_age_seconds{} 4',
  ]);
  [seen, ageMs] = [{ notEmptySince: {} }, undefined];
  expect(await shown()).toEqual([]);
  [seen, ageMs] = [undefined, undefined];
  expect(await shown()).toEqual([]);
});
