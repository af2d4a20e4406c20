import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createModelProvider } from '../../src/adapters/model/model-provider.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';

let simulator: TestSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());

const ask = (message: string) =>
  createModelProvider({
    ...{ name: 'simulator', baseUrl: simulator.baseUrl, apiKey: 'k', model: 'simulator', systemPrompt: '' },
    ...{ temperature: undefined, maxTokens: 1_000, timeoutMs: 10_000 },
    ...{ promptPrice: undefined, completionPrice: undefined },
  })
    .ask({ message, context: [] }, new AbortController().signal)
    .then(
      ({ response, finishReason, usage }) => ({ response, finishReason, usage }),
      ({ code }: { code: string }) => ({ code }),
    );

const whole = { response: expect.stringMatching(/^Simulated answer: .*asked\.$/), finishReason: 'stop' };

test.each([
  ['length', { response: expect.not.stringMatching(/asked\.$/), finishReason: 'length' }],
  ['filter_cut', { response: expect.not.stringMatching(/asked\.$/), finishReason: 'content_filter' }],
  ['content_filter', { code: 'model_content_filtered' }],
  ['finish_error', { code: 'model_unavailable' }],
  ['safety', { code: 'model_content_filtered' }],
  ['reasoning_only', { code: 'model_empty_answer' }],
  ['parts', whole],
  ['think', whole],
  ['large', { finishReason: 'length' }],
  ['no_usage', { ...whole, usage: null }],
  ['gzip', whole],
  ['br', whole],
  ['deflate', whole],
  ['text_plain', whole],
  ['no_content_type', whole],
  ['unsupported_parameter', whole],
  ['model_not_found', { code: 'model_provider_broken' }],
  ['overflow_in_other_words', { code: 'model_context_too_long' }],
])('the simulator replies as its mode %s says', async (mode, expected) => {
  expect(await ask(`Hello? [[simulate mode=${mode}]]`)).toMatchObject(expected);
});

test('the simulator sends a reply that was given to it', async () => {
  const body = { error: { code: 'insufficient_quota' } };
  await simulator.behave({
    mode: 'scripted',
    reply: { status: 429, headers: { 'x-a': ['1', '2'] }, body, encoding: 'gzip' },
  });
  expect(await ask('Hello?')).toEqual({ code: 'model_quota_exhausted' });
  await simulator.behave({});
});
