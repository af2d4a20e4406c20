import { randomBytes } from 'node:crypto';
import { readTraceparent, type TraceContext } from '../../contracts/traceparent.ts';
import type { NewSpan, Span, Tracer } from '../../contracts/tracer.ts';
import { RecordedSpan } from './recorded-span.ts';
import type { Sampler } from './sampler.ts';

/** How many digits of ids are made from randomness at once. */
const DIGITS_AT_ONCE = 4_096;
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

/**
 * Implements our port. Each span is given its parent, so no context has to follow the work through the event loop, and nothing is
 * registered globally.
 *
 * The spans are ours, not those of OpenTelemetry's SDK, whose spans and exporter take more than a tenth of a worker's time.
 * @param onEnd takes a span that has ended
 */
export function createRecordingTracer(keeps: Sampler, onEnd: (span: RecordedSpan) => void): Tracer {
  return {
    start: (span) => {
      const parent = contextOf(span.parent);
      const traceId = parent?.traceId ?? randomDigits(TRACE_ID_DIGITS);
      const spanId = randomDigits(SPAN_ID_DIGITS);
      if (!keeps(parent, traceId)) return dropped(`00-${traceId}-${spanId}-00`);
      return new RecordedSpan(span, { traceId, spanId, parentSpanId: parent?.spanId }, onEnd);
    },
  };
}

function contextOf(parent: NewSpan['parent']): TraceContext | undefined {
  if (parent instanceof RecordedSpan) return parent;
  return readTraceparent(typeof parent === 'object' ? parent.traceparent : parent);
}

/** A span of a trace that is not kept. Only its traceparent is of use. */
const dropped = (traceparent: string): Span => ({ traceparent, set() {}, link() {}, fail() {}, end() {} });

let digits = '';
let used = 0;

/** Random hexadecimal digits. An id may not consist of zeros alone, which is as likely as that two are the same. */
function randomDigits(count: number): string {
  if (used + count > digits.length) {
    digits = randomBytes(DIGITS_AT_ONCE / 2).toString('hex');
    used = 0;
  }
  used += count;
  return digits.slice(used - count, used);
}
