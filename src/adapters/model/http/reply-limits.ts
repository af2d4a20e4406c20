/** How long a reply may take, in ms. Left out: no limit. */
export interface ReplyLimits {
  /** Until the first byte of the body, or the first token of a stream. */
  firstByteTimeoutMs?: number | undefined;
  /** Between two bytes of the body, or two tokens of a stream. */
  idleTimeoutMs?: number | undefined;
  /** Until the last byte. */
  timeoutMs?: number | undefined;
}

/** The reply took longer than it may. */
export class ReplyTimeoutError extends Error {
  readonly code: 'REPLY_TIMEOUT_FIRST_BYTE' | 'REPLY_TIMEOUT_IDLE' | 'REPLY_TIMEOUT_TOTAL';

  constructor(code: ReplyTimeoutError['code']) {
    super('the reply took too long');
    this.name = 'ReplyTimeoutError';
    this.code = code;
  }
}

/**
 * What came. `token`: a part of the answer, or of the thinking. `alive`: bytes that say nothing, such as a comment that
 * keeps the connection open. `last`: the answer is whole, and only its usage may follow.
 */
export type Arrival = 'token' | 'alive' | 'last';

/** How long the usage may take after the last token, in ms. Some servers send none, and do not end the reply either. */
const AFTER_LAST_MS = 5_000;

/**
 * Watches all limits of a call with one timer, because a timer costs more than a look at the clock.
 *
 * Bytes that say nothing do not end the wait for the first token. Between two tokens, a server that sends them is alive:
 * its pause may last as long as its first token may.
 */
export function watchTime(
  { firstByteTimeoutMs, idleTimeoutMs, timeoutMs }: ReplyLimits,
  onTimeout: (error: ReplyTimeoutError) => void,
): { came(what: Arrival): void; stop(): void } {
  const [first, idle, total] = [firstByteTimeoutMs, idleTimeoutMs, timeoutMs].map(
    (ms) => ms ?? Number.POSITIVE_INFINITY,
  );
  const startedAt = performance.now();
  let lastTokenAt: number | undefined;
  let lastByteAt = startedAt;
  let isLast = false;
  let timer: NodeJS.Timeout | undefined;

  /** When the next limit is reached, in ms of the monotonic clock, and which one. */
  const next = (): [at: number, code: ReplyTimeoutError['code']] => {
    const quietAt = quietUntil();
    const totalAt = startedAt + total!;
    if (totalAt <= quietAt) return [totalAt, 'REPLY_TIMEOUT_TOTAL'];
    return [quietAt, lastTokenAt === undefined ? 'REPLY_TIMEOUT_FIRST_BYTE' : 'REPLY_TIMEOUT_IDLE'];
  };
  const quietUntil = (): number => {
    if (isLast) return lastByteAt + Math.min(idle!, AFTER_LAST_MS);
    if (lastTokenAt === undefined) return startedAt + first!;
    return Math.max(lastTokenAt + idle!, Math.min(lastByteAt + idle!, lastTokenAt + first!));
  };
  const look = () => {
    const [at, code] = next();
    const leftMs = at - performance.now();
    if (leftMs <= 0) onTimeout(new ReplyTimeoutError(code));
    else if (leftMs < Number.POSITIVE_INFINITY) timer = setTimeout(look, Math.min(2 ** 31 - 1, Math.ceil(leftMs)));
  };
  look();
  return {
    came: (what) => {
      lastByteAt = performance.now();
      const isEarlier = (what !== 'alive' && lastTokenAt === undefined) || (what === 'last' && !isLast);
      if (what !== 'alive') lastTokenAt = lastByteAt;
      if (what === 'last') isLast = true;
      // The limit that counts from now on may end earlier than the one before.
      if (!isEarlier) return;
      clearTimeout(timer);
      look();
    },
    stop: () => clearTimeout(timer),
  };
}
