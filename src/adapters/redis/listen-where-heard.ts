import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { ECHO_CHANNEL } from '../../contracts/redis-keys.ts';
import { channelOf } from './channels.ts';
import { isCluster } from './nodes.ts';
import type { Redis, Subscriber } from './redis.ts';

const EVERY_MS = 3_000;
/** A notice may have gone to a node that is cut off, or may be late. */
const MOST_MISSED = 2;

/**
 * A server that is cut off from the others still answers, but no message reaches it: a node of a Redis Cluster, or a primary that
 * was replaced. So a process that listens sends itself a notice every few seconds. After it has missed two of them, it listens at
 * another node, or at the primary that the Sentinels name.
 * @param options.redis publishes the notices
 * @param options.subscriber is connected anew, and whoever subscribed on it subscribes again; ends with its connection
 */
export function listenWhereHeard(options: {
  redis: Redis;
  subscriber: Subscriber;
  everyMs?: number;
  logger: Logger;
}): void {
  const { redis, subscriber, everyMs = EVERY_MS, logger } = options;
  if (!hasSeveralServers(redis)) return;
  const channel = channelOf(subscriber, `${ECHO_CHANNEL}:${randomUUID()}`);
  let missed = 0;
  const subscribe = () => void subscriber.subscribe(channel).catch(() => {});
  subscriber.on('message', (from: string) => {
    if (from === channel) missed = 0;
  });
  subscriber.on('ready', subscribe);
  if (subscriber.status === 'ready') subscribe();

  const call = async () => {
    if (redis.status !== 'ready' || subscriber.status !== 'ready') return;
    if (missed >= MOST_MISSED) {
      missed = 0;
      logger.warn('this server of Redis passes on no messages, listening at another one');
      subscriber.disconnect(true);
      return;
    }
    await redis.publish(channel, '');
    missed += 1;
  };
  const calling = setInterval(() => void call().catch(() => {}), everyMs).unref();
  subscriber.on('end', () => clearInterval(calling));
}

const hasSeveralServers = (redis: Redis) => isCluster(redis) || Boolean(redis.options.sentinels);
