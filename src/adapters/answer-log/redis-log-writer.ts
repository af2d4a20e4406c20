import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerEvent } from '../../contracts/answer-events.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Redis } from '../redis/redis.ts';
import { type AnswerLogWriter, type AttemptLog, type EndOf, type LogAttempt, MAX_LOG_BYTES } from './answer-log.ts';
import { readText } from './read-log.ts';
import { appendEvents, type EventToAppend } from './redis-scripts/append-events.ts';
import { followAsker } from './redis-scripts/follow-asker.ts';
import { takeOverText } from './redis-scripts/take-over-text.ts';
import { sealEvent } from './sealed-events.ts';

/** How long text is collected before it is written. The first text of an attempt is written at once. */
const COLLECT_MS = 30;
const RETRY_MS = 1_000;
/** If the end cannot be written for so long, it is given up. The response was published, so nothing is lost. */
const END_WITHIN_MS = 15_000;
/** A log that never ends, of a request without a deadline. */
const NO_DEADLINE_MS = 24 * 3_600_000;

/** An event, and how long the text is after it. */
interface EventToSeal {
  event: AnswerEvent;
  charsAfter: number;
}

interface WriterOptions {
  redis: Redis;
  seals: TextSeals;
  ttlMs: number;
}

/** Answer logs in Redis: each is a stream. Each batch of events costs one round trip. */
export function createRedisLogWriter(options: WriterOptions): AnswerLogWriter {
  return { open: (attempt) => openLog(options, attempt) };
}

/**
 * The log of one attempt. It has these states:
 * - *idle*: everything is written, or nothing was told yet.
 * - *collecting*: text came soon after a batch, and waits for more.
 * - *writing*: a batch is on its way. While the store refuses it, it is tried again every second. What comes meanwhile is
 *   collected: events in a list that has a few entries for each call of the model, and the text, which is kept anyway.
 * - *silent*: another attempt has the log, or it has ended. Nothing is written any more.
 */
function openLog({ redis, seals, ttlMs }: WriterOptions, attempt: LogAttempt): AttemptLog {
  const { requestId, epoch, deadlineAt } = attempt;
  const now = () => new Date().toISOString();
  /** What this attempt has written, and how much of it is in a batch or in `events`. */
  let text = '';
  let sent = 0;
  let events: EventToSeal[] = [];
  let ending = false;
  let closing = false;
  /** The number of the next event; undefined: nothing is written yet. */
  let next: number | undefined;
  let hasEnded = false;
  let bytes = 0;
  let silent = false;
  let busy = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let wroteAt = Number.NEGATIVE_INFINITY;

  /** Moves the text that is not in an event yet into one. A piece that is not written now is left to the end. */
  function takeText(): void {
    if (sent === text.length || bytes > MAX_LOG_BYTES) return;
    events.push({ event: { type: 'delta', text: text.slice(sent), offset: sent }, charsAfter: text.length });
    sent = text.length;
  }

  const started = (): AnswerEvent => {
    return { type: 'started', at: now(), attempt: attempt.attempt, provider: null, model: null };
  };

  function note(event: AnswerEvent): void {
    if (silent || ending) return;
    takeText();
    events.push({ event, charsAfter: sent });
  }

  function tell(event: AnswerEvent): void {
    note(event);
    write();
  }

  function write(): void {
    clearTimeout(timer);
    timer = undefined;
    if (silent || busy) return;
    busy = true;
    running = writeAll();
  }

  async function writeAll(): Promise<void> {
    for (;;) {
      takeText();
      if (events.length === 0 || silent) {
        busy = false;
        return;
      }
      const batch = events;
      const ends = ending;
      events = [];
      wroteAt = performance.now();
      await writeBatch(batch, ends);
      const waitMs = closing || sent === 0 ? 0 : wroteAt + COLLECT_MS - performance.now();
      if (events.length === 0 && sent < text.length && waitMs > 0) {
        busy = false;
        later(waitMs);
        return;
      }
    }
  }

  function later(ms: number): void {
    timer ??= setTimeout(write, ms);
  }

  async function writeBatch(batch: readonly EventToSeal[], ends: boolean): Promise<void> {
    const giveUpAt = performance.now() + END_WITHIN_MS;
    const keptMs = ends ? ttlMs : next === undefined ? keptUnended(deadlineAt, ttlMs) : undefined;
    for (let mayJump = false; !silent; ) {
      try {
        const own = await seals.forSealing([attempt.userId]);
        const seal = ({ event, charsAfter }: EventToSeal): EventToAppend => ({
          event: sealEvent(own, attempt, event),
          charsAfter,
        });
        const written = await appendEvents(redis, requestId, {
          ...{ epoch, first: next, ends, keptMs },
          mayJump,
          events: (mayJump ? again(batch, ends) : batch).map(seal),
        });
        if (written.outcome !== 'gap') {
          hasEnded = written.outcome === 'written' && ends;
          silent = written.outcome !== 'written' || ends;
          next = written.number + 1;
          bytes = written.bytes;
          return;
        }
        mayJump = true;
      } catch {
        // The store refuses. The batch stays as it is, because it may have been written nevertheless.
        if ((ending || closing) && performance.now() > giveUpAt) silent = true;
        else await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** The store has lost what readers have seen. They get the whole text again. */
  function again(batch: readonly EventToSeal[], ends: boolean): EventToSeal[] {
    const restarted: EventToSeal = { event: { type: 'restarted', at: now() }, charsAfter: 0 };
    const whole = text.slice(0, sent);
    const delta: EventToSeal[] =
      whole === '' ? [] : [{ event: { type: 'delta', text: whole, offset: 0 }, charsAfter: sent }];
    return [restarted, ...delta, ...(ends ? batch.slice(-1) : [])];
  }

  /** Goes on with the text that readers have, from an earlier attempt. @param isRight whether that text is right */
  async function goOnWith(isRight: (shown: string) => boolean): Promise<boolean> {
    if (epoch === 1) return false;
    // If the store is out of reach, readers are told `restarted`. That is right, too.
    try {
      const log = await takeOverText(redis, attempt);
      const shown = log && (await readText(redis, seals, attempt))?.text;
      if (!shown || !isRight(shown)) return false;
      text = shown;
      sent = shown.length;
      next = log.number + 1;
      bytes = log.bytes;
      return true;
    } catch {
      return false;
    }
  }

  async function end(last: EndOf, whole: string): Promise<void> {
    if (!silent) {
      takeText();
      if (!whole.startsWith(text.slice(0, sent))) {
        note({ type: 'restarted', at: now() });
        sent = 0;
      }
      text = whole;
      const event = endEvent(last, whole.slice(sent), sent);
      sent = whole.length;
      events.push({ event, charsAfter: sent });
      ending = true;
      write();
    }
    await running;
  }

  return {
    asking: () => tell(started()),
    follow: async (asker) => {
      const keptMs = keptUnended(deadlineAt, ttlMs);
      await followAsker(redis, attempt, { asker, event: started(), keptMs }).catch(() => {});
    },
    resume: (whole) => goOnWith((shown) => whole.startsWith(shown)),
    begun: ({ provider, model }) => {
      const hadText = sent > 0;
      text = '';
      sent = 0;
      if (hadText) note({ type: 'restarted', at: now() });
      // The first text follows at once, and goes with it.
      note({ type: 'started', at: now(), attempt: attempt.attempt, provider, model });
    },
    text: (piece) => {
      text += piece;
      if (silent || busy || timer) return;
      const waitMs = wroteAt + COLLECT_MS - performance.now();
      if (sent === 0 || waitMs <= 0) write();
      else later(waitMs);
    },
    retrying: ({ code, nextAt }) =>
      tell({ type: 'retrying', at: now(), attempt: attempt.attempt, code, nextAt: nextAt ?? null }),
    end,
    stop: async (at) => {
      // An attempt that has written nothing keeps what an earlier one has written.
      if (next === undefined && !busy) await goOnWith(() => true);
      const mine = text;
      await end({ type: 'cancelled', at, finishReason: 'cancelled' }, mine);
      if (hasEnded) return mine;
      const log = await readText(redis, seals, attempt).catch(() => undefined);
      return log?.text ?? mine;
    },
    close: async () => {
      closing = true;
      write();
      await running;
    },
  };
}

function endEvent(end: EndOf, rest: string, offset: number): AnswerEvent {
  return end.type === 'failed' ? end : { ...end, rest, offset };
}

/** For how many ms from now a log is kept that does not end. */
export const keptUnended = (deadlineAt: number, ttlMs: number): number =>
  Math.round(ttlMs + Math.min(NO_DEADLINE_MS, Math.max(0, deadlineAt - Date.now())));
