import { afterEach, expect, test } from '@jest/globals';
import { createDrainRate, expectedMs } from '../../../src/api/chat/drain-rate.ts';
import { createLine, type Line, type QueuesSeen } from '../../../src/api/chat/line.ts';
import { until } from '../../until.ts';

const lines: Line[] = [];
afterEach(() => {
  for (const line of lines.splice(0)) line.stop();
});

test('the drain rate is what is worked off while others wait, and follows a change within half a minute', () => {
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

test('what was seen first counts for no more than what is seen next', () => {
  const rate = createDrainRate();
  for (const [second, settled] of [0, 2, 12, 22].entries()) rate.observe({ at: second * 1000, waiting: 9, settled });
  expect(rate.perSecond).toBeGreaterThan(7);
});

test('times without a backlog say nothing of what could be worked off', () => {
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

test('who has seen nothing worked off for a second or two does not take that for an outage', () => {
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

test('an answer is expected after those before it, and the time it takes itself', () => {
  expect(expectedMs(100, 10, 500)).toBe(10_500);
  expect(expectedMs(0, undefined, 500)).toBe(500);
  expect(expectedMs(100, undefined, 500)).toBeNull();
  expect(expectedMs(0, 10, undefined)).toBeNull();
});

/** A line that has seen `waiting` requests worked off at `perSecond`. */
async function lineWith(
  waiting: number,
  perSecond: number,
  limits: { shedAbove?: number; requestDeadlineMs?: number },
) {
  let looks = 0;
  const startedAt = Date.now();
  const look = async (): Promise<QueuesSeen> => {
    looks += 1;
    return { inBroker: waiting, inJobs: 0, settled: Math.round(((Date.now() - startedAt) / 1000) * perSecond) };
  };
  const line = createLine({
    look,
    placeOf: async () => undefined,
    requestDeadlineMs: limits.requestDeadlineMs ?? 900_000,
    shedAbove: limits.shedAbove ?? 1_000_000,
  });
  lines.push(line);
  line.start();
  await until('it has looked twice', () => looks >= 2 && (line.drainRate !== undefined || waiting === 0));
  return line;
}

const refusal = (line: Line) => {
  try {
    line.admit();
  } catch (error) {
    return error;
  }
  return undefined;
};

test('a question that could not be answered by its deadline is refused, and told when it could be', async () => {
  const line = await lineWith(2_000, 100, { requestDeadlineMs: 10_000 });
  const { code, retryAfterSeconds } = refusal(line) as { code: string; retryAfterSeconds: number };
  expect(code).toBe('overloaded');
  // 2,000 at 100 a second take 20 s, of which the deadline gives 10.
  expect(retryAfterSeconds).toBeGreaterThanOrEqual(9);
  expect(retryAfterSeconds).toBeLessThanOrEqual(12);
});

test('a line that is full lets nobody in', async () => {
  const line = await lineWith(50, 10, { shedAbove: 50 });
  expect(refusal(line)).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
});

test('those let in since the last look count as waiting', async () => {
  const line = await lineWith(0, 0, { shedAbove: 3 });
  expect([line.admit().position, line.admit().position, line.admit().position]).toEqual([0, 1, 2]);
  expect(refusal(line)).toMatchObject({ code: 'overloaded' });
});
