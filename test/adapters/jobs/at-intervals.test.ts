import { afterEach, expect, jest, test } from '@jest/globals';
import { atIntervals } from '../../../src/adapters/jobs/at-intervals.ts';

jest.useFakeTimers();
afterEach(() => jest.clearAllTimers());

test('a task runs once each interval, and not before the first has passed', async () => {
  const task = jest.fn(() => Promise.resolve());
  atIntervals(1_000, task);
  await jest.advanceTimersByTimeAsync(999);
  expect(task).toHaveBeenCalledTimes(0);
  await jest.advanceTimersByTimeAsync(2_001);
  expect(task).toHaveBeenCalledTimes(3);
});

test('a task runs at once if that is asked for', () => {
  const task = jest.fn(() => Promise.resolve());
  atIntervals(1_000, task, { atOnce: true });
  expect(task).toHaveBeenCalledTimes(1);
});

test('a task never runs twice at the same time, and goes on when it is done', async () => {
  const slow = Promise.withResolvers<void>();
  const task = jest.fn(() => slow.promise);
  atIntervals(1_000, task);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(task).toHaveBeenCalledTimes(1);
  slow.resolve();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(task).toHaveBeenCalledTimes(2);
});

test('nothing runs after it was stopped, not even after a task that was under way', async () => {
  const slow = Promise.withResolvers<void>();
  const task = jest.fn(() => slow.promise);
  const stop = atIntervals(1_000, task);
  await jest.advanceTimersByTimeAsync(1_000);
  stop();
  slow.resolve();
  await jest.advanceTimersByTimeAsync(5_000);
  expect(task).toHaveBeenCalledTimes(1);
});
