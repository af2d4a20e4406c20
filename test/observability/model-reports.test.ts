import { expect, test } from '@jest/globals';
import type { ModelAnswer } from '../../src/contracts/model-answer.ts';
import { createWorkerMetrics } from '../../src/observability/metrics.ts';
import { createModelReports } from '../../src/observability/model-reports.ts';
import { captureLog } from '../captured-log.ts';

const target = { provider: 'p', model: 'm' };
const answer: ModelAnswer = {
  response: 'Yes.',
  ...target,
  usage: { promptTokens: 3, completionTokens: 4, totalTokens: 7, cost: null },
  finishReason: 'stop',
};

function reports() {
  const metrics = createWorkerMetrics();
  const { logger, lines } = captureLog();
  const scrape = async () =>
    (await metrics.registry.metrics()).split('\n').filter((line) => /^healify_(model|breaker)/.test(line));
  return { ...createModelReports(metrics, logger), lines, scrape };
}

test('an operator sees each call of a model and what it charged', async () => {
  const { onCall, scrape } = reports();
  onCall(target, 'ok', answer);
  onCall(target, 'ok', { ...answer, usage: null });
  onCall(target, 'model_timeout');
  const labels = 'provider="p",model="m"';
  expect(await scrape()).toEqual([
    `healify_model_calls_total{${labels},outcome="ok",process="worker"} 2`,
    `healify_model_calls_total{${labels},outcome="model_timeout",process="worker"} 1`,
    `healify_model_tokens_total{${labels},kind="prompt",process="worker"} 3`,
    `healify_model_tokens_total{${labels},kind="completion",process="worker"} 4`,
    `healify_model_usage_unknown_total{${labels},process="worker"} 1`,
  ]);
});

test('an operator is alarmed by a provider that fails everybody, and sees what is wrong until it is mended', async () => {
  const { onBreaker, lines, scrape } = reports();
  const shown = async () =>
    (await scrape()).map((line) => line.replace(/^healify_|provider="p",model="m",|,?process="worker"/g, ''));
  onBreaker(target, { state: 'open', cause: 'quota', keyFingerprint: 'f' });
  expect(await shown()).toEqual([
    'model_provider_broken{cause="key"} 0',
    'model_provider_broken{cause="quota"} 1',
    'model_provider_broken{cause="model"} 0',
    'breaker_state{} 2',
  ]);
  onBreaker(target, { state: 'half-open', cause: 'failures', keyFingerprint: 'f' });
  expect(await shown()).toContain('breaker_state{} 1');
  onBreaker(target, { state: 'closed', cause: undefined, keyFingerprint: 'f' });
  expect(await shown()).toEqual([
    'model_provider_broken{cause="key"} 0',
    'model_provider_broken{cause="quota"} 0',
    'model_provider_broken{cause="model"} 0',
    'breaker_state{} 0',
  ]);
  expect(lines.map(({ level, state, cause }) => [level, state, cause])).toEqual([
    ['error', 'open', 'quota'],
    ['info', 'half-open', 'failures'],
    ['info', 'closed', undefined],
  ]);
});
