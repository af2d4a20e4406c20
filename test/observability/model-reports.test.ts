import { expect, test } from '@jest/globals';
import type { ModelAnswer } from '../../src/contracts/model-answer.ts';
import { createWorkerMetrics } from '../../src/observability/metrics.ts';
import { createModelReports } from '../../src/observability/model-reports.ts';
import { captureLog } from '../captured-log.ts';

const target = { provider: 'p', model: 'm' };
const answer: ModelAnswer = {
  response: 'Yes.',
  ...target,
  usage: { promptTokens: 3, completionTokens: 4, totalTokens: 7, cost: 0.5 },
  finishReason: 'stop',
};
const ok = { outcome: 'ok', durationMs: 250, traceId: '', answer };

function reports() {
  const metrics = createWorkerMetrics();
  const { logger, lines } = captureLog();
  const scrape = async (names: RegExp) =>
    (await metrics.registry.metrics()).split('\n').filter((line) => names.test(line) && !line.includes('_bucket{'));
  return { ...createModelReports(metrics, logger), lines, scrape };
}

test('an operator sees each call of a model, how long it took, and what it charged and cost', async () => {
  const { onCall, scrape } = reports();
  onCall(target, ok);
  onCall(target, { ...ok, answer: { ...answer, usage: null } });
  onCall(target, {
    outcome: 'model_timeout',
    durationMs: 10_000,
    traceId: '',
    uncertain: 'no answer',
    lostTokens: 7,
    firstTextMs: 500,
  });
  const asked = 'gen_ai_operation_name="chat",gen_ai_provider_name="p",gen_ai_request_model="m"';
  expect(await scrape(/^gen_ai_/)).toEqual([
    `gen_ai_client_operation_duration_seconds_sum{process="worker",${asked}} 0.5`,
    `gen_ai_client_operation_duration_seconds_count{process="worker",${asked}} 2`,
    `gen_ai_client_operation_duration_seconds_sum{process="worker",${asked},error_type="model_timeout"} 10`,
    `gen_ai_client_operation_duration_seconds_count{process="worker",${asked},error_type="model_timeout"} 1`,
    `gen_ai_client_operation_time_to_first_chunk_seconds_sum{process="worker",${asked}} 0.5`,
    `gen_ai_client_operation_time_to_first_chunk_seconds_count{process="worker",${asked}} 1`,
    `gen_ai_client_token_usage_sum{process="worker",${asked},gen_ai_token_type="input"} 3`,
    `gen_ai_client_token_usage_count{process="worker",${asked},gen_ai_token_type="input"} 1`,
    `gen_ai_client_token_usage_sum{process="worker",${asked},gen_ai_token_type="output"} 4`,
    `gen_ai_client_token_usage_count{process="worker",${asked},gen_ai_token_type="output"} 1`,
  ]);
  expect(await scrape(/^healify_(model_(cost|usage)|uncertain)/)).toEqual([
    'healify_model_cost_dollars_total{provider="p",model="m",process="worker"} 0.5',
    'healify_model_usage_unknown_total{provider="p",model="m",process="worker"} 1',
    'healify_uncertain_spend_total{why="no answer",provider="p",model="m",process="worker"} 1',
    'healify_uncertain_spend_tokens_total{why="no answer",provider="p",model="m",process="worker"} 7',
  ]);
});

test('an operator is alarmed by a provider that fails everybody, and sees what is wrong until it is mended', async () => {
  const { onBreaker, lines, scrape } = reports();
  const shown = async () =>
    (await scrape(/^healify_(model|gate)/)).map((line) =>
      line.replace(/^healify_|provider="p",model="m",|,?process="worker"/g, ''),
    );
  onBreaker(target, { state: 'shut', cause: 'quota', keyFingerprint: 'f' });
  expect(await shown()).toEqual([
    'model_provider_broken{cause="key"} 0',
    'model_provider_broken{cause="quota"} 1',
    'model_provider_broken{cause="model"} 0',
    'gate_state{} 2',
  ]);
  onBreaker(target, { state: 'probing', cause: 'failures', keyFingerprint: 'f' });
  expect(await shown()).toContain('gate_state{} 1');
  onBreaker(target, { state: 'open', cause: undefined, keyFingerprint: 'f' });
  expect(await shown()).toEqual([
    'model_provider_broken{cause="key"} 0',
    'model_provider_broken{cause="quota"} 0',
    'model_provider_broken{cause="model"} 0',
    'gate_state{} 0',
  ]);
  expect(lines.map(({ level, state, cause }) => [level, state, cause])).toEqual([
    ['error', 'shut', 'quota'],
    ['info', 'probing', 'failures'],
    ['info', 'open', undefined],
  ]);
});
