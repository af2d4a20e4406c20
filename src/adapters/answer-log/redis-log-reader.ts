import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { AnswerEvent, NumberedEvent } from '../../contracts/answer-events.ts';
import type { AnswerLogReader } from './answer-log.ts';
import { logChannelOf } from './log-channel.ts';
import { type OpenReading, openReading } from './log-reading.ts';
import { ERASED } from './redis-scripts/erase-log.ts';

const RETRY_MS = 500;

/** The readings of one log in this process. They share a subscription. */
interface Subscription {
  readings: Set<OpenReading>;
  /** Resolves once messages arrive. */
  listening: Promise<void>;
}

/**
 * Reads answer logs from Redis. New events come as messages on a channel of the log. What was missed, or came before, is read
 * from the stream. All readings of a process share its two connections, and those of one log share a subscription. So an
 * event costs a process one message, and a reading costs one or two round trips at its beginning.
 * @param options.redis for reading
 * @param options.subscriber a connection in subscriber mode, which does not subscribe again by itself
 */
export function createRedisLogReader(options: { redis: Redis; subscriber: Redis }): AnswerLogReader {
  const { redis, subscriber } = options;
  const subscriptions = new Map<string, Subscription>();

  async function subscribe(channel: string): Promise<void> {
    while (subscriptions.has(channel)) {
      try {
        await subscriber.subscribe(channel);
        return;
      } catch {
        // It is also tried again when the connection is back.
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  function join(channel: string, reading: OpenReading): Subscription {
    let subscription = subscriptions.get(channel);
    if (!subscription) {
      subscription = { readings: new Set(), listening: Promise.resolve() };
      subscriptions.set(channel, subscription);
      subscription.listening = subscribe(channel);
    }
    subscription.readings.add(reading);
    return subscription;
  }

  function leave(channel: string, reading: OpenReading): void {
    const subscription = subscriptions.get(channel);
    if (!subscription?.readings.delete(reading) || subscription.readings.size > 0) return;
    subscriptions.delete(channel);
    subscriber.unsubscribe(channel).catch(() => {});
  }

  subscriber.on('message', (channel: string, message: string) => {
    const subscription = subscriptions.get(channel);
    if (!subscription) return;
    const events = message === ERASED ? undefined : eventsIn(message);
    for (const reading of [...subscription.readings]) {
      if (events) reading.take(events, message.length);
      else reading.cutOff('no_log');
    }
  });
  subscriber.on('ready', () => {
    for (const [channel, subscription] of subscriptions) {
      subscription.listening = subscribe(channel);
      for (const reading of subscription.readings) reading.lookAgain();
    }
  });

  return {
    read: (requestId, after, { hasEnded = false } = {}) => {
      const channel = logChannelOf(redis, requestId);
      const reading: OpenReading = openReading({
        ...{ redis, requestId, after, hasEnded },
        listening: async () => {
          await subscription.listening;
        },
        onClosed: () => leave(channel, reading),
      });
      const subscription = join(channel, reading);
      return reading;
    },
    stop: () => {
      for (const { readings } of [...subscriptions.values()]) for (const reading of [...readings]) reading.close();
    },
  };
}

function eventsIn(message: string): NumberedEvent[] {
  const flat = JSON.parse(message) as (number | AnswerEvent)[];
  const events: NumberedEvent[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    events.push({ number: flat[i] as number, event: flat[i + 1] as AnswerEvent });
  }
  return events;
}
