import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { keepChannel } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';
import { createBatchSettler, type Handling } from './settle-batch.ts';

export interface BatchConsumer {
  start(): void;
  /** Takes no more deliveries; those in hand are still handled. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Pauses, waits for what is in hand, and closes; what could not be handled goes back to the queue. */
  stop(): Promise<void>;
}

/** While one batch is handled, the next ones are on their way. */
const BATCHES_IN_HAND = 4;
/** An acknowledgement costs the broker a write to its disk: those of batches so close together are one. */
const ACK_WITHIN_MS = 50;

/**
 * Consumes a queue in batches: what arrived while the last batch was handled is the next one, so that a batch is one
 * message when idle and up to a quarter of `prefetch` under load. Batches are handled one after the other, and
 * acknowledged up to their last delivery once `handle` resolves, at once under load and else a moment later. *Stopped*
 * until start, then *consuming*, *paused* and back, *stopped*.
 *
 * Each delivery is read once. One that cannot be read goes to `deadLetter`, and so does one that `handle` refuses: once
 * each, however often the rest of its batch is tried again.
 *
 * `handle` must be idempotent. When it rejects with an error that was foreseen (a retryable HealifyError), the batch is
 * tried again for as long as the channel stands. After any other error the deliveries are tried one by one. One that
 * fails again and again goes to `deadLetter`, but only if another went through after it had failed for the first time:
 * as long as none goes through, the messages are not to blame, and all of them wait.
 */
export function createBatchConsumer<Item>(
  options: Handling<Item> & {
    connection: BrokerConnection;
    queue: string;
    /** Most deliveries in hand at once. */
    prefetch: number;
    logger: Logger;
  },
): BatchConsumer {
  const { connection, queue, prefetch, logger } = options;
  const { toEntry, settle } = createBatchSettler(options);
  const maxBatch = Math.ceil(prefetch / BATCHES_IN_HAND);
  let channel: Channel | undefined;
  let consumerTag: string | undefined;
  let wanted = false;
  let stopping = false;
  let buffer: ConsumeMessage[] = [];
  /** The last message that is handled and not acknowledged, and how many there are. */
  let handled: ConsumeMessage | undefined;
  let unacknowledged = 0;
  let ackTimer: NodeJS.Timeout | undefined;
  let pumping: Promise<void> | undefined;
  let keeper: { close(): Promise<void> } | undefined;
  // Consuming and cancelling are several steps each; one after the other they cannot overtake.
  let switching: Promise<void> = Promise.resolve();

  const lose = () => {
    channel = undefined;
    consumerTag = undefined;
    buffer = [];
    clearTimeout(ackTimer);
    ackTimer = undefined;
    handled = undefined;
    unacknowledged = 0;
  };

  const acknowledge = () => {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    if (channel && handled) channel.ack(handled, true);
    handled = undefined;
    unacknowledged = 0;
  };

  const acknowledgeSoon = (entries: readonly { message: ConsumeMessage }[]) => {
    handled = entries.at(-1)?.message ?? handled;
    unacknowledged += entries.length;
    if (unacknowledged >= maxBatch) acknowledge();
    else ackTimer ??= setTimeout(acknowledge, ACK_WITHIN_MS);
  };

  const inTurn = (change: () => Promise<void>) => {
    switching = switching
      .then(change)
      .catch((error) => logger.debug({ queue, err: error }, 'consumer changed channel'));
    return switching;
  };

  const consume = () =>
    inTurn(async () => {
      if (!channel || !wanted || consumerTag) return;
      const on = channel;
      const { consumerTag: tag } = await on.consume(queue, (message) => {
        if (message) {
          take(on, message);
          return;
        }
        // The broker cancelled the consumer (queue deleted, or its leader moved): begin again on a new channel. A
        // channel that is closing takes no acknowledgement.
        lose();
        void on.close().catch(() => {});
      });
      if (channel === on) consumerTag = tag;
    });

  const cancel = () =>
    inTurn(async () => {
      if (!channel || !consumerTag) return;
      const tag = consumerTag;
      consumerTag = undefined;
      await channel.cancel(tag);
    });

  function take(on: Channel, message: ConsumeMessage): void {
    if (on !== channel) return;
    buffer.push(message);
    pumping ??= pump().finally(() => {
      pumping = undefined;
    });
  }

  async function pump(): Promise<void> {
    // One turn of the event loop lets the deliveries of one read of the socket come together.
    await new Promise(setImmediate);
    while (channel && buffer.length > 0) {
      const on = channel;
      const takeMore = () => (channel === on ? buffer.splice(0, maxBatch) : []);
      const entries = takeMore().map(toEntry);
      const goesOn = () => channel === on && !stopping;
      await settle(entries, { takeMore, goesOn, acknowledge: (message) => on.ack(message) });
      if (channel !== on) continue;
      if (entries.every(({ settled }) => settled)) {
        acknowledgeSoon(entries);
      } else {
        for (const { settled, message } of entries) if (settled) on.ack(message);
        return;
      }
    }
  }

  return {
    start: () => {
      wanted = true;
      keeper = keepChannel<Channel>({
        connection,
        name: queue,
        logger,
        open: (model) => model.createChannel(),
        onOpen: async (opened) => {
          await opened.prefetch(prefetch);
          channel = opened;
          await consume();
        },
        onLost: lose,
      });
    },
    pause: () => {
      wanted = false;
      acknowledge();
      return cancel();
    },
    resume: () => {
      wanted = !stopping;
      return consume();
    },
    stop: async () => {
      wanted = false;
      stopping = true;
      await cancel();
      await pumping;
      acknowledge();
      await keeper?.close();
    },
  };
}
