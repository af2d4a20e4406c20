import { expect, test } from '@jest/globals';
import type { AnswerEvent } from '../../src/contracts/answer-events.ts';
import { isEnd, textAfter } from '../../src/contracts/answer-text.ts';

const at = '2026-01-31T12:00:00.000Z';
const cancelled = (rest: string, offset: number): AnswerEvent => ({
  type: 'cancelled',
  at,
  rest,
  offset,
  finishReason: 'cancelled',
});
const textOf = (...events: AnswerEvent[]) => events.reduce(textAfter, '');

test('a text is what its deltas say, and the rest at its end', () => {
  const deltas: AnswerEvent[] = [
    { type: 'started', at, attempt: 1, provider: null, model: null },
    { type: 'delta', text: 'Eat vege', offset: 0 },
    { type: 'delta', text: 'tables', offset: 8 },
  ];
  expect(textOf(...deltas)).toBe('Eat vegetables');
  expect(textOf(...deltas, cancelled('.', 14))).toBe('Eat vegetables.');
  expect(textOf(...deltas, cancelled('Eat', 0))).toBe('Eat');
});

test('two attempts at an answer are never joined', () => {
  const first: AnswerEvent = { type: 'delta', text: 'Eat ', offset: 0 };
  const failed: AnswerEvent = {
    type: 'failed',
    at,
    error: { code: 'model_timeout', message: 'No.', retryable: true },
    attempts: 1,
  };
  expect(textOf(first, { type: 'restarted', at }, { type: 'delta', text: 'Drink', offset: 0 })).toBe('Drink');
  expect(textOf(first, failed)).toBe('');
});

test('completed, failed and cancelled end a log, and nothing else does', () => {
  expect(isEnd(cancelled('', 0))).toBe(true);
  expect(isEnd({ type: 'restarted', at })).toBe(false);
});
