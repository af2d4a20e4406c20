import { setTimeout as sleep } from 'node:timers/promises';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import type { AnswerLogReader, LogOf, LogReading } from './answer-log.ts';
import { logChannelOf } from './log-channel.ts';
import { createLogCopy, type LogCopy } from './log-copy.ts';
import { type OpenReading, openReading } from './log-reading.ts';
import type { LogEntry } from './read-log.ts';
import { COPIED_MARK } from './redis-scripts/copy-events.ts';
import { ERASED } from './redis-scripts/erase-log.ts';
import { FOLLOWS } from './redis-scripts/follow-asker.ts';
import type { KeptEvent } from './sealed-events.ts';

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
 * event costs a process one message, and a reading costs one or two round trips at its beginning. If a log follows another
 * request, this process copies that one's events into it, as long as there are readings of it.
 * @param options.redis for reading
 * @param options.subscriber a connection in subscriber mode, which does not subscribe again by itself
 */
export function createRedisLogReader(options: {
  redis: Redis;
  subscriber: Subscriber;
  seals: TextSeals;
}): AnswerLogReader {
  const { redis, subscriber, seals } = options;
  const subscriptions = new Map<string, Subscription>();
  /** By channel: the copying into a log, and how many readings there are for which it is done. */
  const copies = new Map<string, { copy: LogCopy; readings: number }>();

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

  function open(
    log: LogOf,
    after: number,
    options: { hasEnded?: boolean; ownOnly?: boolean; onFollows?: () => void; onClosed?: () => void },
  ): LogReading {
    const { hasEnded = false, ownOnly = false, onFollows = () => {}, onClosed = () => {} } = options;
    const channel = logChannelOf(redis, log.requestId);
    const reading: OpenReading = openReading({
      ...{ redis, seals, log, after, hasEnded, ownOnly, onFollows },
      listening: async () => {
        await subscription.listening;
      },
      onClosed: () => {
        leave(channel, reading);
        onClosed();
      },
    });
    const subscription = join(channel, reading);
    return reading;
  }

  /** Returns the copying into a log, for one more reading. */
  function joinCopy(channel: string, log: LogOf): LogCopy {
    // Only requests of the same user follow each other.
    const readOwn = (asker: string, after: number) => open({ ...log, requestId: asker }, after, { ownOnly: true });
    const shared = copies.get(channel) ?? { copy: createLogCopy({ redis, seals, log, readOwn }), readings: 0 };
    copies.set(channel, shared);
    shared.readings += 1;
    return shared.copy;
  }

  function leaveCopy(channel: string): void {
    const shared = copies.get(channel);
    if (!shared) return;
    shared.readings -= 1;
    if (shared.readings > 0) return;
    copies.delete(channel);
    shared.copy.stop();
  }

  subscriber.on('message', (channel: string, message: string) => {
    const subscription = subscriptions.get(channel);
    if (!subscription) return;
    if (message === FOLLOWS) {
      copies.get(channel)?.copy.lookAgain();
      copies.get(channel)?.copy.start();
      return;
    }
    const entries = message === ERASED ? undefined : entriesIn(message);
    for (const reading of [...subscription.readings]) {
      if (entries === 'unreadable') reading.lookAgain();
      else if (entries) reading.take(entries, message.length);
      else reading.cutOff('no_log');
    }
  });
  subscriber.on('ready', () => {
    for (const [channel, subscription] of subscriptions) {
      subscription.listening = subscribe(channel);
      copies.get(channel)?.copy.lookAgain();
      for (const reading of subscription.readings) reading.lookAgain();
    }
  });

  return {
    read: (log, after, { hasEnded = false } = {}) => {
      const channel = logChannelOf(redis, log.requestId);
      const copy = joinCopy(channel, log);
      return open(log, after, { hasEnded, onFollows: copy.start, onClosed: () => leaveCopy(channel) });
    },
    stop: () => {
      for (const { readings } of [...subscriptions.values()]) for (const reading of [...readings]) reading.close();
    },
  };
}

/** `unreadable`: the message is of a kind that only a later version knows. */
function entriesIn(message: string): LogEntry[] | 'unreadable' {
  const isOwn = !message.startsWith(COPIED_MARK);
  try {
    const flat = JSON.parse(isOwn ? message : message.slice(COPIED_MARK.length)) as (number | KeptEvent)[];
    const entries: LogEntry[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      entries.push({ number: flat[i] as number, event: flat[i + 1] as KeptEvent, isOwn });
    }
    return entries;
  } catch {
    return 'unreadable';
  }
}
