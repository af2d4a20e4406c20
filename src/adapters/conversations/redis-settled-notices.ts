import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../../contracts/errors.ts';
import { SETTLED_CHANNEL } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Subscriber } from '../redis/redis.ts';
import type { SettledNotices } from './settled-notices.ts';

const RETRY_MS = 1_000;

/**
 * Notices on a channel (pub/sub). The replica that writes an answer down publishes a notice, and every replica receives
 * every notice. This costs less than one subscription for each request.
 *
 * Each connection goes through these states:
 * - *not subscribed*: there is no connection. It ends when a connection is ready.
 * - *subscribing*: a subscription that fails is tried again after a second.
 * - *listening*: until the connection is lost.
 * @param options.subscriber a connection in subscriber mode, which cannot send other commands
 * @param options.replica the name of this process in its own notices, which it ignores
 */
export function createRedisSettledNotices(options: { subscriber: Subscriber; replica: string }): SettledNotices {
  const { subscriber, replica } = options;
  const notices = channelOf(subscriber, SETTLED_CHANNEL);
  /** Undefined: not subscribed. Pending: subscribing. Resolved: listening. */
  let subscribed: Promise<void> | undefined;

  return {
    listen: ({ onSettled, onListening }) => {
      const onReady = () => {
        const subscribing = orStoreUnavailable(subscriber.subscribe(notices)).then(onListening);
        subscribed = subscribing;
        subscribing.catch(async () => {
          await sleep(RETRY_MS, undefined, { ref: false });
          if (subscribed === subscribing) onReady();
        });
      };
      subscriber.on('message', (channel: string, notice: string) => {
        const space = notice.indexOf(' ');
        if (channel === notices && notice.slice(0, space) !== replica) onSettled(notice.slice(space + 1));
      });
      subscriber.on('ready', onReady);
      subscriber.on('close', () => {
        subscribed = undefined;
      });
      if (subscriber.status === 'ready') onReady();
    },
    mustArrive: async () => {
      if (!subscribed) throw new StoreUnavailableError('Redis cannot be reached.');
      await subscribed;
    },
  };
}
