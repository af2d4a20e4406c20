import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { type LetterPlace, openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import type { WorkQueue } from '../../contracts/queues.ts';
import { causeOf } from './read-letter.ts';

/** Letters that are too old. */
export interface ExpiredLetters {
  count: number;
  reasons: Record<string, number>;
}

/**
 * Removes the letters that became dead letters at that time or before, among those that are read together. A letter that
 * does not say when goes with a later one that is too old: a queue keeps its letters in the order in which they came.
 * @param until ms since 1970
 * @param guard is called if some are too old, and must call `remove`. If it does not, all of them stay
 * @throws DeadLettersInUseError, BrokerUnavailableError, or what `guard` throws
 */
export async function expireLetters(
  broker: BrokerAddress,
  queue: WorkQueue,
  until: number,
  guard: (expired: ExpiredLetters, remove: () => Promise<void>) => Promise<void>,
): Promise<ExpiredLetters> {
  const old: { place: LetterPlace; reason: string }[] = [];
  // They go with the next one that is too old.
  let undated: typeof old = [];
  const letters = await openDeadLetters({
    ...broker,
    queue,
    onLetter: (letter, place) => {
      const { reason, at } = causeOf(letter);
      if (at === undefined) undated.push({ place, reason });
      else if (at <= until) {
        for (const each of undated) old.push(each);
        old.push({ place, reason });
        undated = [];
      }
    },
  });
  try {
    const reasons: Record<string, number> = {};
    for (const { reason } of old) reasons[reason] = (reasons[reason] ?? 0) + 1;
    const expired = { count: old.length, reasons };
    if (old.length > 0) {
      await guard(expired, async () => {
        for (const { place } of old) letters.remove(place);
        await letters.settled();
      });
    }
    return expired;
  } finally {
    await letters.close();
  }
}
