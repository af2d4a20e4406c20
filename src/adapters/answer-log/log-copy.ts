import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerEvent, NumberedEvent } from '../../contracts/answer-events.ts';
import { isEnd } from '../../contracts/answer-text.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { type LogOf, type LogReading, MAX_LOG_BYTES, ReaderCutOffError } from './answer-log.ts';
import { readLastEntry } from './read-log.ts';
import { copyEvents, type EventToCopy } from './redis-scripts/copy-events.ts';
import { sealEvent } from './sealed-events.ts';

const RETRY_MS = 500;

/**
 * Copies into a log what another request writes into its own, if the log follows that one. So the readers of a log need only
 * read that log, and it keeps what they have seen. Every process that has readers of the log copies, and the store takes each
 * event once. It has these states:
 * - *idle*: the log follows no request, or one that has ended, or nobody has looked yet.
 * - *copying*: what the other request writes is copied, except its end. While the store is away, it is tried again.
 * - *stopped*.
 *
 *     idle ── start ──> copying
 *     copying ── the other request has ended or has no log, or the log does not follow it any more ──> idle
 */
export interface LogCopy {
  /** The log follows a request. */
  start(): void;
  /** The log may follow another request than before. */
  lookAgain(): void;
  stop(): void;
}

/** @param options.readOwn reads what a request itself has written into its log, after a number */
export function createLogCopy(options: {
  redis: Redis;
  seals: TextSeals;
  log: LogOf;
  readOwn: (asker: string, after: number) => LogReading;
}): LogCopy {
  const { redis, seals, log, readOwn } = options;
  const { requestId } = log;
  let state: 'idle' | 'copying' | 'stopped' = 'idle';
  let again = false;
  let reading: LogReading | undefined;

  async function run(): Promise<void> {
    do {
      again = false;
      try {
        await copy();
      } catch (error) {
        if (error instanceof ReaderCutOffError && error.reason === 'no_log') continue;
        again = true;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    } while (again && state === 'copying');
    if (state === 'copying') state = 'idle';
  }

  async function copy(): Promise<void> {
    const last = await orStoreUnavailable(readLastEntry(redis, requestId));
    if (!last?.follows || again || state !== 'copying') return;
    const { asker } = last.follows;
    let { copied } = last.follows;
    let isFull = false;
    reading = readOwn(asker, copied);
    for await (const events of reading) {
      const toCopy = events.filter((event) => isCopied(event, isFull));
      if (toCopy.length === 0) continue;
      const done = await copyEvents(redis, requestId, { asker, after: copied, events: await sealed(toCopy) });
      if (done.outcome === 'behind') again = true;
      if (done.outcome !== 'copied') return;
      copied = done.copied;
      isFull = done.bytes > MAX_LOG_BYTES;
    }
  }

  async function sealed(events: readonly NumberedEvent[]): Promise<EventToCopy[]> {
    const own = await seals.forSealing([log.userId]);
    return events.map(({ number, event }) => ({
      number,
      event: sealEvent(own, log, event),
      charsAfter: charsAfter(event),
    }));
  }

  return {
    start: () => {
      if (state !== 'idle') return;
      state = 'copying';
      void run();
    },
    lookAgain: () => {
      if (state !== 'copying') return;
      again = true;
      reading?.close();
    },
    stop: () => {
      state = 'stopped';
      reading?.close();
    },
  };
}

/** The log has its own beginning and its own end. A full log gets the text that is left with its end. */
const isCopied = ({ event }: NumberedEvent, isFull: boolean) =>
  event.type !== 'queued' && !isEnd(event) && !(isFull && event.type === 'delta');

function charsAfter(event: AnswerEvent): number {
  if (event.type === 'delta') return event.offset + event.text.length;
  return event.type === 'restarted' ? 0 : -1;
}
