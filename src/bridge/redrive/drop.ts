import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { type LetterPlace, openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import type { DropOptions, DropReport } from '../../contracts/dead-letters.ts';
import { deadLetterQueueOf, type WorkQueue } from '../../contracts/queues.ts';
import { matches } from './read-letter.ts';

/** Removes the letters that match a filter for good. Only does so if `confirm` is set and `dryRun` is not. */
export async function dropLetters(broker: BrokerAddress, queue: WorkQueue, options: DropOptions): Promise<DropReport> {
  const { limit, dryRun, confirm, ...filter } = options;
  const now = Date.now();
  const chosen: LetterPlace[] = [];
  let matching = 0;
  const letters = await openDeadLetters({
    ...broker,
    queue,
    onLetter: (letter, place) => {
      if (!matches(letter, filter, now)) return;
      matching += 1;
      if (chosen.length < limit) chosen.push(place);
    },
  });
  const dropped = confirm && !dryRun ? chosen.length : 0;
  try {
    for (const place of chosen.slice(0, dropped)) letters.remove(place);
    await letters.settled();
  } finally {
    await letters.close();
  }
  return {
    queue: deadLetterQueueOf(queue),
    dryRun,
    matching,
    dropped,
    left: matching - dropped,
    unread: letters.unread,
  };
}
