import { randomUUID } from 'node:crypto';

const FORMAT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** A later version begins with the fields of version 00, and others may follow. The version `ff` is not allowed. */
const LATER_FORMAT = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
/** The one flag that we know. */
const SAMPLED = 1;

/** A tracestate with more than this need not be passed on. */
const MOST_TRACESTATE_CHARS = 512;
const MOST_TRACESTATE_MEMBERS = 32;
const TRACESTATE = /^[\x20-\x7e\t]+$/;

/** What a W3C traceparent says. */
export interface TraceContext {
  traceId: string;
  spanId: string;
  flags: number;
}

/** The two headers of a W3C trace context. A request has them, and so has each of its messages. */
export interface TraceHeaders {
  traceparent: string;
  /** What the caller's tracing systems have noted. We pass it on as it came. */
  tracestate?: string | undefined;
}

/** @returns undefined if the traceparent is absent or malformed */
export function readTraceparent(received: unknown): TraceContext | undefined {
  if (typeof received !== 'string') return undefined;
  const isLater = !FORMAT.test(received);
  if (isLater && !LATER_FORMAT.test(received)) return undefined;
  // This is read for every span, and taking parts is cheaper than groups of the pattern.
  const flags = received.startsWith('01', 53) ? SAMPLED : Number.parseInt(received.slice(53, 55), 16);
  return {
    traceId: received.slice(3, 35),
    spanId: received.slice(36, 52),
    flags: isLater ? flags & SAMPLED : flags,
  };
}

/**
 * Returns the received trace context, or a new one if the traceparent is missing or malformed. A later version of the
 * traceparent becomes version 00, the one that we know. Without its traceparent, a tracestate says nothing.
 */
export function continueTrace(receivedParent: unknown, receivedState?: unknown): TraceHeaders {
  const known = readTraceparent(receivedParent);
  // Node fetches the randomness of UUIDs in advance, so this costs no system call. Each UUID has 122 random bits.
  if (!known) return { traceparent: `00-${randomHex()}-${randomHex().slice(16)}-01` };
  const { traceId, spanId, flags } = known;
  const traceparent = `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
  const tracestate = readTracestate(receivedState);
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** @returns undefined if the tracestate is absent, is longer than it may be, or has characters that a header may not have */
function readTracestate(received: unknown): string | undefined {
  if (typeof received !== 'string' || received.length > MOST_TRACESTATE_CHARS) return undefined;
  if (!TRACESTATE.test(received) || received.split(',').length > MOST_TRACESTATE_MEMBERS) return undefined;
  return received;
}

const randomHex = () => randomUUID().replaceAll('-', '');

/** The 32 hex digits that all log lines of one request share; '' if the traceparent is absent or malformed. */
export const traceIdOf = (traceparent: unknown) => readTraceparent(traceparent)?.traceId ?? '';

/** Whether the spans of this context are exported. */
export const isSampled = (traceparent: string) => ((readTraceparent(traceparent)?.flags ?? 0) & SAMPLED) === SAMPLED;
