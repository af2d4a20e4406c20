import { randomUUID } from 'node:crypto';

const FORMAT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What a W3C traceparent says. */
export interface TraceContext {
  traceId: string;
  spanId: string;
  flags: number;
}

/** @returns undefined if the traceparent is absent or malformed */
export function readTraceparent(received: unknown): TraceContext | undefined {
  if (typeof received !== 'string' || !FORMAT.test(received)) return undefined;
  // This is read for every span, and taking parts is cheaper than groups of the pattern.
  return {
    traceId: received.slice(3, 35),
    spanId: received.slice(36, 52),
    flags: received.endsWith('-01') ? 1 : Number.parseInt(received.slice(53), 16),
  };
}

/** Returns the received W3C traceparent, or a new one if it is missing or malformed. */
export function continueTrace(received: unknown): string {
  if (typeof received === 'string' && FORMAT.test(received)) return received;
  // Node fetches the randomness of UUIDs in advance, so this costs no system call. Each UUID has 122 random bits.
  return `00-${randomHex()}-${randomHex().slice(16)}-01`;
}

const randomHex = () => randomUUID().replaceAll('-', '');

/** The 32 hex digits that all log lines of one request share; '' if the traceparent is absent or malformed. */
export const traceIdOf = (traceparent: unknown) => readTraceparent(traceparent)?.traceId ?? '';

/** Whether the spans of this context are exported. */
export const isSampled = (traceparent: string) => ((readTraceparent(traceparent)?.flags ?? 0) & 1) === 1;
