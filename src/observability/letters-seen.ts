import { boundedLabel } from './bounded-label.ts';
import type { LetterTimes } from './letter-days.ts';

/** A queue with more letters is read rarely, because reading takes all letters out and gives them back. */
const MOST_READ = 1_000;
/** A queue is read at most this often. */
const READ_EVERY_MS = { few: 60_000, many: 3_600_000 };

/** What takes the place of the reasons of letters that were not read, or are too many to be read again when some change. */
const UNREAD = 'unread';

/** What the letters of a queue say. */
export interface LettersRead extends LetterTimes {
  reasons: Record<string, number>;
}

/** The letters of a dead-letter queue, as one api has seen them for all. */
interface QueueOfLetters extends LettersRead {
  /** How many there were when they were read last. */
  messages: number;
  /** When that was tried last, in ms. */
  triedAt: number;
}

/** By dead-letter queue; only those that have letters. */
export type LettersSeen = Record<string, QueueOfLetters>;

/**
 * Looks at the reasons of the dead letters that stand.
 *
 * RabbitMQ tells them only to somebody who takes the letters out and gives them back. So a queue is read only if the number of
 * its letters has changed since the last time, and rarely if they are many.
 * @param ask.depths how many letters wait in each dead-letter queue; undefined while RabbitMQ is out of reach
 * @param ask.read reads the letters of a queue. It rejects if somebody else has them
 */
export function createLettersLook(ask: {
  depths: () => Promise<Record<string, number> | undefined>;
  read: (deadLetterQueue: string) => Promise<LettersRead>;
  now?: () => number;
}): (previous: LettersSeen | undefined) => Promise<LettersSeen> {
  const { depths, read, now = Date.now } = ask;
  const bounded = boundedLabel();

  async function lookAt(queue: string, messages: number, before: QueueOfLetters | undefined): Promise<QueueOfLetters> {
    const isLong = messages > MOST_READ;
    const unread = { [UNREAD]: messages };
    // A version before this one did not keep the days.
    if (before?.days !== undefined && !isDue(messages, isLong, before)) {
      return isLong ? { ...before, reasons: unread } : before;
    }
    const triedAt = now();
    try {
      const { reasons, oldestAt, days } = await read(queue);
      return { messages, triedAt, reasons: isLong ? unread : boundedReasons(reasons), oldestAt, days };
    } catch {
      // -1: the next look tries again, whatever it counts.
      const { reasons = unread, oldestAt = null, days = {} } = before ?? {};
      return { messages: -1, triedAt, reasons, oldestAt, days };
    }
  }

  const isDue = (messages: number, isLong: boolean, before: QueueOfLetters) =>
    messages !== before.messages && now() - before.triedAt >= (isLong ? READ_EVERY_MS.many : READ_EVERY_MS.few);

  function boundedReasons(found: Record<string, number>): Record<string, number> {
    const reasons: Record<string, number> = {};
    for (const [reason, count] of Object.entries(found)) {
      const label = bounded(reason);
      reasons[label] = (reasons[label] ?? 0) + count;
    }
    return reasons;
  }

  return async (previous) => {
    const waiting = await depths();
    if (!waiting) return previous ?? {};
    const withLetters = Object.entries(waiting).filter(([, messages]) => messages > 0);
    const seen = withLetters.map(async ([queue, messages]) => [
      queue,
      await lookAt(queue, messages, previous?.[queue]),
    ]);
    return Object.fromEntries(await Promise.all(seen));
  };
}
