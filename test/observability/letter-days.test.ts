import { expect, test } from '@jest/globals';
import { createLetterDays, lettersBefore } from '../../src/observability/letter-days.ts';

const DAY = 86_400_000;
const NOW = 20_000 * DAY + 7;

test('letters are counted by the day on which they became dead letters', () => {
  const letters = createLetterDays(NOW);
  for (const at of [NOW - 2 * DAY, NOW - 2 * DAY + 1, undefined, NOW - DAY, NOW]) letters.add(at);
  const { oldestAt, days } = letters.read();
  expect(oldestAt).toBe(NOW - 2 * DAY);
  expect([0, 1, 2, 3].map((before) => lettersBefore(days, NOW - before * DAY))).toEqual([4, 3, 2, 0]);
});

test('of letters that do not say since when they stand, nothing is known', () => {
  const letters = createLetterDays(NOW);
  letters.add(undefined);
  expect(letters.read()).toEqual({ oldestAt: null, days: {} });
});

test.each([[-1e25], [-Infinity], [1e25], [Number.NaN]])('a letter that stands since %d harms nobody', (odd) => {
  const letters = createLetterDays(NOW);
  letters.add(odd);
  letters.add(NOW);
  expect(new Date(letters.read().oldestAt! + 400 * DAY).toISOString()).toMatch(/Z$/);
});

test('however odd the times in letters are, what is kept of them is bounded', () => {
  const letters = createLetterDays(NOW);
  for (let day = -20_000; day < 60_000; day++) letters.add(day * DAY);
  const { days } = letters.read();
  expect(Object.keys(days).length).toBeLessThan(4_000);
  expect(lettersBefore(days, NOW)).toBe(80_000);
});
