import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { NumberedEvent } from '../../contracts/answer-events.ts';
import { isEnd } from '../../contracts/answer-text.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import { type CutOffReason, type LogReading, ReaderCutOffError } from './answer-log.ts';
import { readLastEvent, readLog } from './read-log.ts';

/** A reading that is further behind than this is cut off, in characters of JSON. */
const MAX_QUEUED_CHARS = 1024 * 1024;
/** How many events are read from the stream at once. */
const PAGE_EVENTS = 500;
const RETRY_MS = 500;
/** How long a log that does not exist is waited for. */
const NO_LOG_MS = 5_000;

/** A reading, as the part that hears of new events sees it. */
export interface OpenReading extends LogReading {
  take(events: readonly NumberedEvent[], chars: number): void;
  /** Events may have been missed. */
  lookAgain(): void;
  cutOff(reason: CutOffReason): void;
}

/**
 * One reader of a log. It has these states:
 * - *behind*: at first, and whenever an event was missed. Each step reads a page from the stream. Messages are only noted.
 * - *live*: new events are queued as they come, up to a bound, and a step takes all of them.
 * - *cut off*: a step throws.
 * - *closed*: by its reader, or after the log's last event.
 */
export function openReading(options: {
  redis: Redis;
  requestId: string;
  after: number;
  /** The log exists already, or never will. */
  hasEnded: boolean;
  /** Resolves once new events are heard of. */
  listening: () => Promise<void>;
  onClosed: () => void;
}): OpenReading {
  const { redis, requestId, hasEnded, listening, onClosed } = options;
  let { after } = options;
  let state: 'behind' | 'live' | 'cut off' | 'closed' = 'behind';
  let reason: CutOffReason = 'no_log';
  let queue: NumberedEvent[] = [];
  let queuedChars = 0;
  /** The largest number that was heard of. */
  let heard = -1;
  let wake = () => {};

  function close(): void {
    if (state === 'closed') return;
    state = 'closed';
    queue = [];
    onClosed();
    wake();
  }

  function cutOff(why: CutOffReason): void {
    if (state === 'closed' || state === 'cut off') return;
    state = 'cut off';
    reason = why;
    queue = [];
    onClosed();
    wake();
  }

  const isOpen = () => state === 'behind' || state === 'live';
  const untilWoken = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Returns the next page of the stream. If there is none, the reading is live. */
  async function readPage(): Promise<NumberedEvent[]> {
    await listening();
    heard = -1;
    const page = await orStoreUnavailable(readLog(redis, requestId, after, PAGE_EVENTS));
    if (page.length === 0 && after < 0 && hasEnded) cutOff('no_log');
    if (page.length === 0 && after >= 0) {
      const last = await orStoreUnavailable(readLastEvent(redis, requestId));
      if (last === undefined) cutOff('no_log');
      else if (last.number < after) cutOff('log_lost');
      else if (last.number === after && isEnd(last.event)) close();
    }
    const reached = page.at(-1)?.number ?? after;
    if (state === 'behind' && page.length < PAGE_EVENTS && heard <= reached) state = 'live';
    return page;
  }

  async function step(): Promise<NumberedEvent[] | undefined> {
    const begunAt = performance.now();
    while (isOpen()) {
      if (queue.length > 0) {
        const events = queue;
        queue = [];
        queuedChars = 0;
        return events;
      }
      if (state === 'behind') {
        const page = await readPage().catch(async () => {
          await sleep(RETRY_MS, undefined, { ref: false });
          return [];
        });
        if (page.length > 0 && isOpen()) return page;
        continue;
      }
      const leftMs = after < 0 ? NO_LOG_MS - (performance.now() - begunAt) : 2 ** 30;
      if (leftMs <= 0) cutOff('no_log');
      else await untilWoken(leftMs);
    }
    if (state === 'cut off') throw new ReaderCutOffError(reason, after);
    return undefined;
  }

  return {
    get after() {
      return after;
    },
    close,
    cutOff,
    lookAgain: () => {
      if (state === 'live') state = 'behind';
      wake();
    },
    take: (events, chars) => {
      heard = Math.max(heard, events.at(-1)?.number ?? -1);
      if (state !== 'live') return;
      const reached = queue.at(-1)?.number ?? after;
      const fresh = events.filter(({ number }) => number > reached);
      if (fresh.length === 0) return;
      if (fresh[0]!.number > reached + 1) state = 'behind';
      else {
        queue.push(...fresh);
        queuedChars += chars;
        if (queuedChars > MAX_QUEUED_CHARS) cutOff('too_slow');
      }
      wake();
    },
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const events = await step();
        if (!events) return { done: true, value: undefined };
        const last = events.at(-1)!;
        after = last.number;
        if (isEnd(last.event)) close();
        return { done: false, value: events };
      },
      return: async () => {
        close();
        return { done: true, value: undefined };
      },
    }),
  };
}
