import { expect, test } from '@jest/globals';
import { failures } from '../../../src/contracts/error-codes.ts';
import { cancelled, completed, failed } from '../../../src/workflows/chat/terminal-response.ts';
import { answer, jobData } from '../stand-ins.ts';

const attempt = { number: 2, startedAt: Date.now() };

test('a cached answer costs nothing, and says that it is cached', () => {
  expect(completed(jobData(), { answer, modelMs: undefined, answerKey: 'hash' }, attempt)).toMatchObject({
    cached: true,
    usage: { totalTokens: 0, cost: 0 },
    answerKey: 'hash',
    timings: { modelMs: 0 },
  });
});

test('an answer of the model has the usage that its provider reported', () => {
  const response = completed(jobData(), { answer, modelMs: 7 }, attempt);
  expect(response).toMatchObject({ cached: false, usage: answer.usage, attempts: 2, timings: { modelMs: 7 } });
  expect(response).not.toHaveProperty('answerKey');
});

test('a user reads what a failure’s code stands for, and never its cause', () => {
  const response = failed(jobData(), { code: 'model_provider_broken', cause: 'our key sk-1', provider: 'p' }, attempt);
  const { message, retryable } = failures.model_provider_broken;
  expect(response).toMatchObject({ error: { code: 'model_provider_broken', message, retryable }, provider: 'p' });
  expect(JSON.stringify(response)).not.toContain('sk-1');
});

test('a cancelled request says so as its reason to have finished', () => {
  expect(cancelled(jobData(), attempt)).toMatchObject({ status: 'cancelled', finishReason: 'cancelled', error: null });
});

test('no time is negative, although a producer’s clock is ahead of ours', () => {
  const job = jobData();
  job.request.createdAt = new Date(Date.now() + 3_600_000).toISOString();
  expect(cancelled(job, attempt).timings).toEqual({ waitMs: 0, modelMs: 0, totalMs: 0 });
});
