import { randomFillSync } from 'node:crypto';

const FORMAT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The W3C traceparent that was received, or a new one if it is absent or malformed. */
export function continueTrace(received: unknown): string {
  if (typeof received === 'string' && FORMAT.test(received)) return received;
  const hex = randomHex();
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}

/** Of a trace and its first span. */
const ID_BYTES = 24;
/** Randomness costs a system call: it is drawn for many traces at once. */
const drawn = Buffer.alloc(ID_BYTES * 128);
let used = drawn.length;

function randomHex(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += ID_BYTES;
  return drawn.toString('hex', used - ID_BYTES, used);
}

/** The 32 hex digits that all log lines of one request share. */
export const traceIdOf = (traceparent: string) => FORMAT.exec(traceparent)?.[1] ?? '';
