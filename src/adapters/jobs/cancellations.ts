import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { CANCEL_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import { jobIdOf } from './chat-job.ts';

/** A cancelled request may still be on its way for as long as a backlog can last. */
const REMEMBERED_SECONDS = 7 * 24 * 3600;
const RETRY_MS = 1_000;

/**
 * Says that a request's work is to stop, to whichever process has it now or gets it later. The key is what counts: a
 * worker looks at it whenever it takes a job, and about once a second while it has the job in hand. The notice is only
 * quicker. One round trip.
 */
export async function cancelRequest(redis: Redis, requestId: string): Promise<void> {
  const remembered = redis.set(redisKeys.cancelled(jobIdOf(requestId)), '1', 'EX', REMEMBERED_SECONDS);
  const notice = redis.publish(channelOf(redis, CANCEL_CHANNEL), requestId).catch(() => {});
  await Promise.all([remembered, notice]);
}

/**
 * Calls back for each request that is cancelled from now on, as long as the subscriber is connected. What is published
 * while it is away is missed.
 * @param options.subscriber a connection of its own
 * @param options.onRefused Redis does not let us subscribe; this is tried again, and told once for each connection
 */
export function onCancelled(options: {
  subscriber: Redis;
  callback: (requestId: string) => void;
  onRefused: (error: unknown) => void;
}): void {
  const { subscriber, callback, onRefused } = options;
  const notices = channelOf(subscriber, CANCEL_CHANNEL);

  async function subscribe(): Promise<void> {
    const { stream } = subscriber;
    let told = false;
    while (subscriber.status === 'ready' && subscriber.stream === stream) {
      try {
        await subscriber.subscribe(notices);
        return;
      } catch (error) {
        if (!told && subscriber.status === 'ready') onRefused(error);
        told = true;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  subscriber.on('message', (channel, requestId) => {
    if (channel === notices) callback(requestId);
  });
  subscriber.on('ready', () => void subscribe());
  if (subscriber.status === 'ready') void subscribe();
}
