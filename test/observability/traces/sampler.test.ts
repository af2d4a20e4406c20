import { expect, test } from '@jest/globals';
import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { samplerOf } from '../../../src/observability/traces/sampler.ts';

const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision;

/** Whether a span of the caller's trace is kept. @param flags what the caller decided; left out: there is no caller */
function decide(sampler: ReturnType<typeof samplerOf>, flags?: TraceFlags, traceId = 'f'.repeat(32)) {
  const parent = { traceId, spanId: '1'.repeat(16), traceFlags: flags ?? TraceFlags.NONE, isRemote: true };
  const context = flags === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  return sampler.shouldSample(context, traceId, 'span', SpanKind.SERVER, {}, []).decision;
}

test('with parentbased the caller decides, and without a caller the rest of the name does', () => {
  const off = samplerOf('parentbased_always_off', 1);
  expect(decide(off, TraceFlags.SAMPLED)).toBe(RECORD_AND_SAMPLED);
  expect(decide(off)).toBe(NOT_RECORD);
  const on = samplerOf('parentbased_always_on', 1);
  expect(decide(on, TraceFlags.NONE)).toBe(NOT_RECORD);
  expect(decide(on)).toBe(RECORD_AND_SAMPLED);
});

test('otherwise the caller has no say', () => {
  expect(decide(samplerOf('always_on', 1), TraceFlags.NONE)).toBe(RECORD_AND_SAMPLED);
  expect(decide(samplerOf('always_off', 1), TraceFlags.SAMPLED)).toBe(NOT_RECORD);
});

test('a ratio keeps that share of traces', () => {
  const tenth = samplerOf('traceidratio', 0.1);
  const ids = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0').repeat(4).padEnd(32, '0'));
  const kept = ids.filter((id) => decide(tenth, undefined, id) === RECORD_AND_SAMPLED).length;
  expect(kept).toBeGreaterThan(10);
  expect(kept).toBeLessThan(45);
});
