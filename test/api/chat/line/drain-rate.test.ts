import { expect, test } from '@jest/globals';
import { createDrainRate } from '../../../../src/api/chat/line/drain-rate.ts';

test('the drain rate is measured while requests wait, and follows a change within half a minute', () => {
  const rate = createDrainRate();
  expect(rate.perSecond).toBeUndefined();
  let settled = 0;
  let second = 0;
  const work = (seconds: number, perSecond: number) => {
    for (const end = second + seconds; second < end; second++) {
      settled += perSecond;
      rate.observe({ at: second * 1000, waiting: 500, settled });
    }
  };
  work(60, 20);
  expect(rate.perSecond).toBeCloseTo(20, 1);
  work(30, 5);
  expect(rate.perSecond).toBeLessThan(8);
});

test('the first measurement counts no more than the next', () => {
  const rate = createDrainRate();
  for (const [second, settled] of [0, 2, 12, 22].entries()) rate.observe({ at: second * 1000, waiting: 9, settled });
  expect(rate.perSecond).toBeGreaterThan(7);
});

test('intervals without a backlog do not lower the rate', () => {
  const rate = createDrainRate();
  rate.observe({ at: 0, waiting: 100, settled: 0 });
  rate.observe({ at: 1000, waiting: 50, settled: 50 });
  rate.observe({ at: 2000, waiting: 0, settled: 100 });
  rate.observe({ at: 60_000, waiting: 0, settled: 101 });
  expect(rate.perSecond).toBe(50);
});

test('a rate that was seen in an outage is not believed for ever by a line that it keeps empty', () => {
  const rate = createDrainRate();
  for (let second = 0; second <= 60; second += 1) rate.observe({ at: second * 1000, waiting: 8, settled: 0 });
  expect(rate.perSecond).toBeLessThan(0.1);
  // One a second is let in, and answered before the next look.
  for (let second = 61; second <= 65; second += 1) {
    rate.observe({ at: second * 1000, waiting: 0, settled: second - 60 });
  }
  expect(rate.perSecond).toBeGreaterThan(0.2);
});

test('a second or two without a finished request does not count as an outage', () => {
  const rate = createDrainRate();
  for (let second = 0; second <= 2; second += 1) rate.observe({ at: second * 1000, waiting: 8, settled: 0 });
  expect(rate.perSecond).toBeGreaterThan(0.4);
});

test('a store that was emptied does not make the rate negative', () => {
  const rate = createDrainRate();
  rate.observe({ at: 0, waiting: 10, settled: 1_000 });
  rate.observe({ at: 1000, waiting: 10, settled: 3 });
  expect(rate.perSecond).toBeUndefined();
});
