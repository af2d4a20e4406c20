import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage, MessageProperties } from 'amqplib';
import type { Logger } from 'pino';
import { HealifyError } from '../../contracts/errors.ts';
import { keepChannel } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';

/** A message in hand: unacknowledged, and back in its queue if we die. */
export interface Delivery {
  body: Buffer;
  properties: MessageProperties;
  messageId: string | undefined;
  contentEncoding: string | undefined;
}

export interface BatchConsumer {
  start(): void;
  /** Takes no more deliveries; those in hand are still handled. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Pauses, waits for what is in hand, and closes; what could not be handled goes back to the queue. */
  stop(): Promise<void>;
}

/** How often an error that nobody foresaw is tried again before its message counts as unprocessable. */
const UNFORESEEN_RETRIES = 3;
/** While one batch is handled, the next ones are on their way. */
const BATCHES_IN_HAND = 4;
/** An acknowledgement costs the broker a write to its disk: those of batches so close together are one. */
const ACK_WITHIN_MS = 50;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Consumes a queue in batches: what arrived while the last batch was handled is the next one, so that a batch is one
 * message when idle and up to a quarter of `prefetch` under load. Batches are handled one after the other, and
 * acknowledged up to their last delivery once `handle` resolves, at once under load and else a moment later. *Stopped*
 * until start, then *consuming*, *paused* and back, *stopped*.
 *
 * `handle` must be idempotent. When it rejects with a retryable HealifyError the batch is tried again for as long as
 * the channel stands. Any other error is tried a few times, then the deliveries one by one, and one that still fails
 * goes to `deadLetter`.
 */
export function createBatchConsumer(options: {
  connection: BrokerConnection;
  queue: string;
  /** Most deliveries in hand at once. */
  prefetch: number;
  handle: (deliveries: Delivery[]) => Promise<void>;
  deadLetter: (delivery: Delivery, error: unknown) => Promise<void>;
  logger: Logger;
}): BatchConsumer {
  const { connection, queue, prefetch, handle, deadLetter, logger } = options;
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

  const acknowledgeSoon = (messages: readonly ConsumeMessage[]) => {
    handled = messages.at(-1);
    unacknowledged += messages.length;
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
      const messages = buffer.splice(0, maxBatch);
      const done = await settle(messages.map(toDelivery), () => channel === on);
      if (channel !== on) continue;
      if (!done) return;
      acknowledgeSoon(messages);
    }
  }

  /** True once every delivery is handled or dead-lettered; false if we gave up because we stop or the channel is gone. */
  async function settle(deliveries: Delivery[], stands: () => boolean): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const error = await handle(deliveries).then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('unknown'),
      );
      if (error === undefined) return true;
      if (!stands()) return false;
      const foreseen = error instanceof HealifyError && error.retryable;
      if (attempt === 1) logger.warn({ queue, deliveries: deliveries.length, err: error }, 'could not handle messages');
      if (!foreseen && attempt > UNFORESEEN_RETRIES) break;
      if (stopping) return false;
      await sleep(Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempt));
      if (!stands()) return false;
    }
    if (deliveries.length > 1) {
      for (const delivery of deliveries) if (!(await settle([delivery], stands))) return false;
      return true;
    }
    return await settleDeadLetter(deliveries[0]!, stands);
  }

  async function settleDeadLetter(delivery: Delivery, stands: () => boolean): Promise<boolean> {
    while (stands() && !stopping) {
      try {
        await deadLetter(delivery, new Error('the message could not be handled'));
        return true;
      } catch (error) {
        logger.warn({ queue, err: error }, 'could not dead-letter a message');
        await sleep(Math.random() * RETRY_MAX_MS);
      }
    }
    return false;
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

const toDelivery = (message: ConsumeMessage): Delivery => ({
  body: message.content,
  properties: message.properties,
  messageId: message.properties.messageId,
  contentEncoding: message.properties.contentEncoding,
});
