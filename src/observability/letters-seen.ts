import { boundedLabel } from './bounded-label.ts';

/** A queue with more letters is not read, because reading takes all letters out and gives them back. */
const MOST_READ = 1_000;
/** A queue is read at most this often. */
const READ_EVERY_MS = 60_000;

/** What takes the place of the reason of letters that were not read. */
const UNREAD = 'unread';

/** The letters of a dead-letter queue, as one api has seen them for all. */
interface QueueOfLetters {
  /** How many there were when they were read last. */
  messages: number;
  /** When that was tried last, in ms. */
  triedAt: number;
  reasons: Record<string, number>;
}

/** By dead-letter queue; only those that have letters. */
export type LettersSeen = Record<string, QueueOfLetters>;

/**
 * Looks at the reasons of the dead letters that stand.
 *
 * RabbitMQ tells them only to somebody who takes the letters out and gives them back. So a queue is read only if the number of
 * its letters has changed since the last time, and not if they are many.
 * @param ask.depths how many letters wait in each dead-letter queue; undefined while RabbitMQ is out of reach
 * @param ask.reasonsOf counts the letters of a queue by reason. It rejects if somebody else has the letters
 */
export function createLettersLook(ask: {
  depths: () => Promise<Record<string, number> | undefined>;
  reasonsOf: (deadLetterQueue: string) => Promise<Record<string, number>>;
  now?: () => number;
}): (previous: LettersSeen | undefined) => Promise<LettersSeen> {
  const { depths, reasonsOf, now = Date.now } = ask;
  const bounded = boundedLabel();

  async function lookAt(queue: string, messages: number, before: QueueOfLetters | undefined): Promise<QueueOfLetters> {
    if (messages > MOST_READ) return { messages, triedAt: 0, reasons: { [UNREAD]: messages } };
    if (before && (before.messages === messages || now() - before.triedAt < READ_EVERY_MS)) return before;
    const triedAt = now();
    try {
      const reasons: Record<string, number> = {};
      for (const [reason, count] of Object.entries(await reasonsOf(queue))) {
        const label = bounded(reason);
        reasons[label] = (reasons[label] ?? 0) + count;
      }
      return { messages, triedAt, reasons };
    } catch {
      // -1: the next look tries again, whatever it counts.
      return { messages: -1, triedAt, reasons: before?.reasons ?? { [UNREAD]: messages } };
    }
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
