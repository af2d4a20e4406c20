import { expect, test } from '@jest/globals';
import { createAnswerTimes } from '../../../../src/api/chat/line/answer-times.ts';

test('the remaining time of an answer is the median of the longer times', () => {
  const times = createAnswerTimes();
  expect(times.remainingMs(0)).toBeNull();
  for (const ms of [100, 200, 300, 20_000]) times.add(ms);
  expect(times.remainingMs(0)).toBe(300);
  expect(times.remainingMs(250)).toBe(19_750);
  expect(times.remainingMs(20_000)).toBeNull();
  for (let i = 0; i < 500; i++) times.add(50);
  expect(createAnswerTimes().remainingMs(0)).toBeNull();
});
