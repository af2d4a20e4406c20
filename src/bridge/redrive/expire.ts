import type { ConsumeMessage } from 'amqplib';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import type { WorkQueue } from '../../contracts/queues.ts';
import { causeOf } from './read-letter.ts';

/** Letters that are too old. */
export interface ExpiredLetters {
  count: number;
  reasons: Record<string, number>;
}

/**
 * Removes the letters that became dead letters at that time or before, among the oldest that are read together. A letter that
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
  const seen: { fields: ConsumeMessage['fields']; reason: string; at: number | undefined }[] = [];
  const letters = await openDeadLetters({
    ...broker,
    queue,
    // The body may be large, so it is not kept.
    onLetter: (letter) => seen.push({ fields: letter.fields, ...causeOf(letter) }),
  });
  try {
    const last = seen.findLastIndex(({ at }) => at !== undefined && at <= until);
    const old = seen.filter(({ at }, index) => (at === undefined ? index < last : at <= until));
    const reasons: Record<string, number> = {};
    for (const { reason } of old) reasons[reason] = (reasons[reason] ?? 0) + 1;
    const expired = { count: old.length, reasons };
    if (old.length > 0) {
      await guard(expired, async () => {
        for (const letter of old) letters.remove(letter);
        await letters.settled();
      });
    }
    return expired;
  } finally {
    await letters.close();
  }
}
