import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage, Options } from 'amqplib';
import type { Logger } from 'pino';
import { HealifyError } from '../../contracts/errors.ts';
import { earlierPublishers } from '../../contracts/publishers.ts';
import { NEWER_SINCE_HEADER, type WorkQueue } from '../../contracts/queues.ts';
import { acknowledge } from './acknowledge.ts';
import type { DeadLetter } from './dead-letters.ts';
import { HEADERS_OF_THE_PAST, propertiesToSendOn } from './message-properties.ts';
import type { Publisher } from './publisher.ts';
import type { Delivery } from './settle-batch.ts';

/** How long a message waits for a process that knows its version. Then it becomes a dead letter. */
export const WAITS_FOR_MS = 3_600_000;

/** A message is held as long as it has waited so far, within these bounds. So an old process sees it less and less often. */
const MIN_HELD_MS = 1_000;
const MAX_HELD_MS = 30_000;
/** While many are held, each goes back sooner, so that those behind it are delivered. */
const SHORT_HELD_MS = 250;
const RETRY_MS = 1_000;

/** Puts a copy of a message at the end of its queue. Rejects as Publisher.publish does, or if it cannot be sent as it came. */
export type GiveBack = (delivery: Delivery) => Promise<void>;

/**
 * Gives messages back by publishing them again. A returned or rejected message would come again at once, and each time would
 * count against the delivery limit of its queue.
 * @param options.onGivenBack called for each message, to count it
 */
export function createGiveBack(options: { queue: WorkQueue; publisher: Publisher; onGivenBack: () => void }): GiveBack {
  const { queue, publisher, onGivenBack } = options;
  return async (delivery) => {
    await publisher.publish(queue, delivery.body, propertiesOf(delivery));
    onGivenBack();
  };
}

/** @throws Error without its reply_to, somebody else would get the answer */
function propertiesOf({ properties }: Delivery): Options.Publish {
  const kept = propertiesToSendOn(properties);
  if (properties.replyTo && kept.replyTo === undefined) throw new Error('its reply_to cannot be sent');
  const headers = Object.entries(properties.headers ?? {}).filter(([name]) => !HEADERS_OF_THE_PAST.includes(name));
  return {
    ...kept,
    ...(properties.expiration !== undefined && { expiration: properties.expiration }),
    headers: {
      ...Object.fromEntries(headers),
      ...earlierPublishers(properties),
      [NEWER_SINCE_HEADER]: new Date(Date.now() - waitedMs({ properties })).toISOString(),
    },
  };
}

/** How long the message has waited for somebody who knows its version, in ms. 0: it has just come for the first time. */
export function waitedMs({ properties }: Pick<Delivery, 'properties'>): number {
  const since: unknown = properties.headers?.[NEWER_SINCE_HEADER];
  const from = typeof since === 'string' ? Date.parse(since) : Number.NaN;
  return Number.isNaN(from) ? 0 : Math.max(0, Date.now() - from);
}

/** The messages of a newer version that a consumer has in hand, unacknowledged. */
export interface NewerMessages {
  /** How many are held. While any is, no other message may be acknowledged together with those before it. */
  readonly size: number;
  /** Holds a message for a while. Then it is given back, and acknowledged. */
  hold(on: Channel, message: ConsumeMessage, delivery: Delivery): void;
  /** Resolves once few enough are held to take more messages, or after `forget` or `stop`. */
  room(): Promise<void>;
  /** The channel is lost: RabbitMQ delivers the messages again. */
  forget(): void;
  /** The channel will be closed: nothing more is given back. Resolves once nothing is being sent. */
  stop(): Promise<void>;
}

/**
 * A rolling upgrade runs two versions side by side, and only one of them may know a message. The message must stay in the
 * queue for that one, without keeping others from being delivered. It is in one of these states:
 * - *held*: it is not acknowledged, and waits here
 * - *given back*: RabbitMQ has a copy at the end of the queue, and the message is acknowledged
 * - *a dead letter*: it cannot be sent as it came
 *
 *     held ── its time is over ──> given back ── delivered to a process that does not know it ──> held
 *     held ── it cannot be sent ──> a dead letter
 *
 * If the process dies between copy and acknowledgement, the message is there twice, and handled once.
 * @param options.places more messages than this are not held for long, and not taken
 */
export function createNewerMessages(options: {
  queue: string;
  places: number;
  giveBack: GiveBack;
  deadLetter: DeadLetter;
  logger: Logger;
}): NewerMessages {
  const { queue, places, giveBack, deadLetter, logger } = options;
  let held = new Set<ConsumeMessage>();
  let end = new AbortController();
  const sending = new Set<Promise<void>>();
  let stopped = false;
  let changed = Promise.withResolvers<void>();
  let told = false;

  const tell = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };

  function heldMs(delivery: Delivery): number {
    if (held.size > places / 2) return SHORT_HELD_MS;
    return Math.min(MAX_HELD_MS, Math.max(MIN_HELD_MS, waitedMs(delivery)));
  }

  async function giveBackLater(on: Channel, message: ConsumeMessage, delivery: Delivery): Promise<void> {
    const { signal } = end;
    const among = held;
    for (let ms = heldMs(delivery); ; ms = RETRY_MS) {
      await sleep(ms, undefined, { signal });
      const sent = sendAway(delivery);
      sending.add(sent);
      try {
        await sent;
        break;
      } catch (error) {
        if (!(error instanceof HealifyError)) throw error;
      } finally {
        sending.delete(sent);
      }
    }
    if (among !== held) return;
    acknowledge(on, message);
    held.delete(message);
    tell();
  }

  async function sendAway(delivery: Delivery): Promise<void> {
    try {
      await giveBack(delivery);
    } catch (error) {
      if (error instanceof HealifyError) throw error;
      await deadLetter(delivery, 'newer_version', 'only a newer version can read it, and it cannot wait in the queue');
    }
  }

  return {
    get size() {
      return held.size;
    },
    hold: (on, message, delivery) => {
      if (!told) {
        told = true;
        logger.warn({ queue }, 'a message is of a newer version: it stays in the queue for a process that knows it');
      }
      held.add(message);
      void giveBackLater(on, message, delivery).catch((error) => {
        if (error.name !== 'AbortError')
          logger.debug({ queue, err: error }, 'a message of a newer version comes again');
      });
    },
    room: async () => {
      while (held.size >= places && !stopped) await changed.promise;
    },
    forget: () => {
      end.abort();
      end = new AbortController();
      held = new Set();
      tell();
    },
    stop: async () => {
      stopped = true;
      end.abort();
      tell();
      await Promise.allSettled(sending);
    },
  };
}
