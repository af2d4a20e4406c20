import type { ConsumeMessage } from 'amqplib';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import type { DropOptions, DropReport } from '../../contracts/dead-letters.ts';
import { deadLetterQueueOf, type WorkQueue } from '../../contracts/queues.ts';
import { matches } from './read-letter.ts';

/** Removes the letters that match a filter for good. Only does so if `confirm` is set and `dryRun` is not. */
export async function dropLetters(broker: BrokerAddress, queue: WorkQueue, options: DropOptions): Promise<DropReport> {
  const { limit, dryRun, confirm, ...filter } = options;
  const now = Date.now();
  const chosen: Pick<ConsumeMessage, 'fields'>[] = [];
  let matching = 0;
  const letters = await openDeadLetters({
    ...broker,
    queue,
    onLetter: (letter) => {
      if (!matches(letter, filter, now)) return;
      matching += 1;
      // The body may be large, so it is not kept.
      if (chosen.length < limit) chosen.push({ fields: letter.fields });
    },
  });
  const dropped = confirm && !dryRun ? chosen.length : 0;
  try {
    for (const letter of chosen.slice(0, dropped)) letters.remove(letter);
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
