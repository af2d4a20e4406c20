import { expect, test } from '@jest/globals';
import { failureOf } from '../../src/contracts/error-codes.ts';
import { readChatResponse } from '../../src/contracts/read-chat-response.ts';

test('what is wrong with an answer is told in plain words', () => {
  expect(() => readChatResponse({ body: Buffer.from('{}') })).toThrow('requestId: is required; sessionId: is required');
});

test('an answer that an earlier version has left in the queue is read, with its failure as it is called now', () => {
  const failed = {
    ...{
      requestId: 'r',
      sessionId: 's',
      userId: 'u',
      status: 'failed',
      attempts: 1,
      completedAt: '2026-01-01T00:00:00Z',
    },
    timings: { waitMs: 0, modelMs: 0, totalMs: 0 },
    error: { code: 'model_unauthorized', message: 'The model provider refused our key.', retryable: false },
  };
  const readError = (error: object) =>
    readChatResponse({ body: Buffer.from(JSON.stringify({ ...failed, error })) }).error;
  expect(readError(failed.error)).toEqual(failureOf('model_provider_broken'));
  expect(() => readError({ ...failed.error, code: 'constructor' })).toThrow('error.code');
});

test('a field that this version does not know is kept with the answer, and a newer version is left to others', () => {
  const answer = {
    ...{ requestId: 'r', sessionId: 's', userId: 'u', status: 'completed', response: 'Yes.', attempts: 1 },
    ...{ completedAt: '2026-01-01T00:00:00Z', timings: { waitMs: 0, modelMs: 0, totalMs: 0 }, tone: { kind: true } },
  };
  const read = (more: object) => readChatResponse({ body: Buffer.from(JSON.stringify({ ...answer, ...more })) });
  expect(read({})).toMatchObject({ response: 'Yes.', tone: { kind: true } });
  expect(() => read({ version: 3 })).toThrow(expect.objectContaining({ reason: 'newer_version' }));
});
