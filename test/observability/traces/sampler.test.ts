import { expect, test } from '@jest/globals';
import { type Sampler, samplerOf } from '../../../src/observability/traces/sampler.ts';

const SAMPLED = 1;
const NOT_SAMPLED = 0;

/** Whether a span of the caller's trace is kept. @param flags what the caller decided; left out: there is no caller */
const isKept = (keeps: Sampler, flags?: number, traceId = 'f'.repeat(32)) =>
  keeps(flags === undefined ? undefined : { traceId, spanId: '1'.repeat(16), flags }, traceId);

test('with parentbased the caller decides, and without a caller the rest of the name does', () => {
  const off = samplerOf('parentbased_always_off', 1);
  expect(isKept(off, SAMPLED)).toBe(true);
  expect(isKept(off)).toBe(false);
  const on = samplerOf('parentbased_always_on', 1);
  expect(isKept(on, NOT_SAMPLED)).toBe(false);
  expect(isKept(on)).toBe(true);
});

test('otherwise the caller has no say', () => {
  expect(isKept(samplerOf('always_on', 1), NOT_SAMPLED)).toBe(true);
  expect(isKept(samplerOf('always_off', 1), SAMPLED)).toBe(false);
});

test('a ratio keeps that share of traces', () => {
  const tenth = samplerOf('traceidratio', 0.1);
  const ids = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0').repeat(4).padEnd(32, '0'));
  const kept = ids.filter((id) => isKept(tenth, undefined, id)).length;
  expect(kept).toBeGreaterThan(10);
  expect(kept).toBeLessThan(45);
});
