import { randomUUID } from 'node:crypto';

const FORMAT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The W3C traceparent that was received, or a new one if it is absent or malformed. */
export function continueTrace(received: unknown): string {
  if (typeof received === 'string' && FORMAT.test(received)) return received;
  // Node draws the randomness of UUIDs in advance, so this costs no system call. Each UUID has 122 random bits.
  return `00-${randomHex()}-${randomHex().slice(16)}-01`;
}

const randomHex = () => randomUUID().replaceAll('-', '');

/** The 32 hex digits that all log lines of one request share. */
export const traceIdOf = (traceparent: string) => FORMAT.exec(traceparent)?.[1] ?? '';
