import { randomBytes } from 'node:crypto';
import { readTraceparent } from '../../contracts/traceparent.ts';
import type { NewSpan, Span, Tracer } from '../../contracts/tracer.ts';
import { contextOf, RecordedSpan, type Recorder } from './recorded-span.ts';
import type { Sampler } from './sampler.ts';

const SAMPLED = 1;
/** How many ids are made from randomness at once. */
const IDS = 256;
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

/**
 * Implements our port with OpenTelemetry's data, so that its exporter can send our spans. Each span is given its parent, so no
 * context has to follow the work through the event loop, and nothing is registered globally.
 */
export function createOpenTelemetryTracer(recorder: Recorder, keeps: Sampler): Tracer {
  return {
    start: (span: NewSpan): Span => {
      const parent = readTraceparent(span.parent);
      const traceId = parent?.traceId ?? randomDigits(TRACE_ID_DIGITS);
      const spanId = randomDigits(SPAN_ID_DIGITS);
      if (!keeps(parent, traceId)) return dropped(`00-${traceId}-${spanId}-00`);
      return new RecordedSpan(recorder, span, { traceId, spanId, traceFlags: SAMPLED }, parent && contextOf(parent));
    },
  };
}

/** A span of a trace that is not kept. Only its traceparent is of use. */
const dropped = (traceparent: string): Span => ({ traceparent, set() {}, link() {}, fail() {}, end() {} });

let digits = '';
let used = 0;

/** Random hexadecimal digits. An id may not consist of zeros alone, which is as likely as that two are the same. */
function randomDigits(count: number): string {
  if (used + count > digits.length) {
    digits = randomBytes((IDS * SPAN_ID_DIGITS) / 2).toString('hex');
    used = 0;
  }
  used += count;
  return digits.slice(used - count, used);
}
