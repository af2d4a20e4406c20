import { setTimeout as sleep } from 'node:timers/promises';
import type { NumberedEvent } from '../../contracts/answer-events.ts';
import { isEnd } from '../../contracts/answer-text.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { type CutOffReason, type LogOf, type LogReading, ReaderCutOffError } from './answer-log.ts';
import { type LogEntry, readLastEntry, readPage } from './read-log.ts';
import { openEvents } from './sealed-events.ts';

/** A reading that is further behind than this is cut off, in characters of JSON. */
const MAX_QUEUED_CHARS = 1024 * 1024;
/** How many events are read from the stream at once. */
const PAGE_EVENTS = 500;
const RETRY_MS = 500;
/** How long a log that does not exist is waited for. */
const NO_LOG_MS = 5_000;

/** A reading, as the part that hears of new events sees it. */
export interface OpenReading extends LogReading {
  take(entries: readonly LogEntry[], chars: number): void;
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
  seals: TextSeals;
  log: LogOf;
  after: number;
  /** The log exists already, or never will. */
  hasEnded: boolean;
  /** Leaves out what was copied from another request's log. */
  ownOnly: boolean;
  /** Resolves once new events are heard of. */
  listening: () => Promise<void>;
  /** The log follows another request, so that one's events must be copied. */
  onFollows: () => void;
  onClosed: () => void;
}): OpenReading {
  const { redis, seals, log, hasEnded, ownOnly, listening, onFollows, onClosed } = options;
  const { requestId } = log;
  let { after } = options;
  /** The number of the last event that a step has taken. Its reader has it once it is opened. */
  let taken = after;
  let state: 'behind' | 'live' | 'cut off' | 'closed' = 'behind';
  let reason: CutOffReason = 'no_log';
  let queue: LogEntry[] = [];
  let queuedChars = 0;
  /** The largest number that was heard of. Infinity: something may have been missed. */
  let heard = -1;
  let wake = () => {};

  const isOpen = () => state === 'behind' || state === 'live';

  function close(): void {
    if (state === 'closed') return;
    const wasOpen = isOpen();
    state = 'closed';
    queue = [];
    if (wasOpen) onClosed();
    wake();
  }

  function cutOff(why: CutOffReason): void {
    if (!isOpen()) return;
    state = 'cut off';
    reason = why;
    queue = [];
    onClosed();
    wake();
  }

  const untilWoken = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Returns the next page of the stream. If there is none, the reading is live. */
  async function nextPage(): Promise<LogEntry[]> {
    await listening();
    heard = -1;
    const { entries, isWhole } = await orStoreUnavailable(readPage(redis, requestId, taken, PAGE_EVENTS));
    let last = entries.at(-1);
    if (!last && taken < 0 && hasEnded) cutOff('no_log');
    if (!last && taken >= 0) {
      last = await orStoreUnavailable(readLastEntry(redis, requestId));
      if (last === undefined) cutOff('no_log');
      else if (last.number < taken) cutOff('log_lost');
      else if (last.number === taken && isEnd(last.event)) close();
    }
    if (last?.follows) onFollows();
    const reached = entries.at(-1)?.number ?? taken;
    if (state === 'behind' && isWhole && heard <= reached) state = 'live';
    return entries;
  }

  async function step(): Promise<LogEntry[] | undefined> {
    const begunAt = performance.now();
    while (isOpen()) {
      if (queue.length > 0) {
        const entries = queue;
        queue = [];
        queuedChars = 0;
        return entries;
      }
      if (state === 'behind') {
        const page = await nextPage().catch(async () => {
          await sleep(RETRY_MS, undefined, { ref: false });
          return [];
        });
        if (page.length > 0 && isOpen()) return page;
        continue;
      }
      const leftMs = taken < 0 ? NO_LOG_MS - (performance.now() - begunAt) : 2 ** 30;
      if (leftMs <= 0) cutOff('no_log');
      else await untilWoken(leftMs);
    }
    if (state === 'cut off') throw new ReaderCutOffError(reason, after);
    return undefined;
  }

  /** While the keys are out of reach, it waits. undefined: it was closed, or cut off, because the texts are erased. */
  async function opened(entries: readonly LogEntry[]): Promise<NumberedEvent[] | undefined> {
    while (isOpen()) {
      try {
        const events = await openEvents(seals, log, entries);
        if (!events) cutOff('no_log');
        return events;
      } catch {
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
    return undefined;
  }

  return {
    get after() {
      return after;
    },
    close,
    cutOff,
    lookAgain: () => {
      // A page that is on its way may have been read before what was missed.
      heard = Number.POSITIVE_INFINITY;
      if (state === 'live') state = 'behind';
      wake();
    },
    take: (entries, chars) => {
      heard = Math.max(heard, entries.at(-1)?.number ?? -1);
      if (state !== 'live') return;
      const reached = queue.at(-1)?.number ?? taken;
      const fresh = entries.filter(({ number }) => number > reached);
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
        for (;;) {
          const entries = await step();
          if (!entries) return { done: true, value: undefined };
          const last = entries.at(-1)!;
          taken = last.number;
          const events = await opened(ownOnly ? entries.filter(({ isOwn }) => isOwn) : entries);
          if (!events) continue;
          after = last.number;
          if (isEnd(last.event)) close();
          if (events.length > 0) return { done: false, value: events };
        }
      },
      return: async () => {
        close();
        return { done: true, value: undefined };
      },
    }),
  };
}
