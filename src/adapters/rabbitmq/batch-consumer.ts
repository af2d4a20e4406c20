import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { acknowledge } from './acknowledge.ts';
import { keepChannel } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';
import { createNewerMessages, type GiveBack, WAITS_FOR_MS, waitedMs } from './newer-messages.ts';
import { createBatchSettler, type Entry, type Handling } from './settle-batch.ts';

export interface BatchConsumer {
  start(): void;
  /** Takes no more deliveries. Those in hand are still handled. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Pauses, waits for the deliveries in hand, and closes. Unhandled deliveries go back to the queue. */
  stop(): Promise<void>;
}

/** The prefetch is this many batches, so that the next batches arrive while one is handled. */
const BATCHES_IN_HAND = 4;
/** An acknowledgement costs the broker a write to disk. So batches of this time are acknowledged together. */
const ACK_WITHIN_MS = 50;

/**
 * Consumes a queue in batches. It has these states:
 * - *stopped* until `start`, and again after `stop`
 * - *consuming* once there is a channel. A lost channel is replaced, and RabbitMQ delivers again what was in hand
 * - *paused* from `pause` to `resume`
 *
 * A batch is what arrived while the last batch was handled. So it is one message when there is little to do, and up to
 * a quarter of `prefetch` under load. Batches are handled one after the other. A batch is acknowledged after `handle`
 * has resolved: at once under load, otherwise a moment later.
 *
 * Each delivery is read once. A delivery that cannot be read, or that `handle` refuses, goes to `deadLetter`. It goes
 * there only once, however often the rest of its batch is tried again.
 *
 * A delivery of a newer version is not for us: newer-messages.ts holds it for a while, and gives it back to the queue.
 *
 * `handle` must be idempotent. If it rejects with a foreseen error (a retryable HealifyError), the batch is tried again
 * while the channel exists. After any other error, the deliveries are tried one by one. A delivery that fails again and
 * again goes to `deadLetter`, but only if another delivery has succeeded since its first failure. While none succeeds,
 * the messages are not to blame, and all of them wait.
 */
export function createBatchConsumer<Item>(
  options: Handling<Item> & {
    connection: BrokerConnection;
    queue: string;
    /** How many deliveries may be in hand at once. */
    prefetch: number;
    /** Called for a message that only a newer version can read. See newer-messages.ts. */
    giveBack: GiveBack;
    logger: Logger;
  },
): BatchConsumer {
  const { connection, queue, prefetch, logger } = options;
  const { toEntry, settle } = createBatchSettler(options);
  const maxBatch = Math.ceil(prefetch / BATCHES_IN_HAND);
  const newer = createNewerMessages({ ...options, places: maxBatch });
  let channel: Channel | undefined;
  let consumerTag: string | undefined;
  let wanted = false;
  let stopping = false;
  let buffer: ConsumeMessage[] = [];
  /** The messages that were handled but are not acknowledged yet. */
  let handled: ConsumeMessage[] = [];
  let ackTimer: NodeJS.Timeout | undefined;
  let pumping: Promise<void> | undefined;
  let keeper: { close(): Promise<void> } | undefined;
  // Consuming and cancelling take several round trips each. They run one after the other, so that neither overtakes the
  // other.
  let switching: Promise<void> = Promise.resolve();

  const lose = () => {
    channel = undefined;
    consumerTag = undefined;
    buffer = [];
    clearTimeout(ackTimer);
    ackTimer = undefined;
    handled = [];
    newer.forget();
  };

  const acknowledgeHandled = () => {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    const last = handled.at(-1);
    if (channel && last) {
      if (newer.size === 0) acknowledge(channel, last, { upTo: true });
      else for (const message of handled) acknowledge(channel, message);
    }
    handled = [];
  };

  const acknowledgeSoon = (entries: readonly { message: ConsumeMessage }[]) => {
    for (const { message } of entries) handled.push(message);
    if (handled.length >= maxBatch) acknowledgeHandled();
    else ackTimer ??= setTimeout(acknowledgeHandled, ACK_WITHIN_MS);
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
        // The broker has cancelled the consumer, because the queue was deleted or its leader moved. Begin again on a
        // new channel. A channel that is closing takes no acknowledgement.
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

  /** Reads the messages that have arrived, and leaves out those that stay in the queue for a newer version. */
  function takeEntries(on: Channel): Entry<Item>[] {
    return buffer.splice(0, maxBatch).flatMap((message) => {
      const entry = toEntry(message);
      const { delivery, todo } = entry;
      if ('item' in todo || todo.refusal.reason !== 'newer_version' || waitedMs(delivery) > WAITS_FOR_MS)
        return [entry];
      newer.hold(on, message, delivery);
      return [];
    });
  }

  async function pump(): Promise<void> {
    // After one turn of the event loop, all deliveries of one read of the socket have arrived.
    await new Promise(setImmediate);
    while (channel && buffer.length > 0) {
      const on = channel;
      await newer.room();
      const takeMore = () => (channel === on ? takeEntries(on) : []);
      const entries = takeMore();
      const goesOn = () => channel === on && !stopping;
      await settle(entries, { takeMore, goesOn, acknowledge: (message) => acknowledge(on, message) });
      if (channel !== on) continue;
      if (entries.every(({ settled }) => settled)) {
        acknowledgeSoon(entries);
      } else {
        for (const { settled, message } of entries) if (settled) acknowledge(on, message);
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
      acknowledgeHandled();
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
      const nothingIsSent = newer.stop();
      await pumping;
      acknowledgeHandled();
      await nothingIsSent;
      await keeper?.close();
    },
  };
}
