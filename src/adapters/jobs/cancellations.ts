import { setTimeout as sleep } from 'node:timers/promises';
import { CANCEL_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import { jobIdOf } from './chat-job.ts';
import type { JobShard } from './job-shards.ts';

/** A cancelled request may wait in a backlog for days. All that time, its cancellation must be remembered. */
const REMEMBERED_SECONDS = 7 * 24 * 3600;
const RETRY_MS = 1_000;

/**
 * Stops the work on a request of a shard, in whichever process has the request now or gets it later. This writes a key. A worker
 * reads it when it takes a job, and about once a second while it works on the job. A notice is published too, only to
 * make this quicker. One round trip.
 */
export async function cancelRequest(
  { index, prefix }: Pick<JobShard, 'index' | 'prefix'>,
  redis: Redis,
  requestId: string,
): Promise<void> {
  const remembered = redis.set(redisKeys.cancelled(prefix, jobIdOf(requestId)), '1', 'EX', REMEMBERED_SECONDS);
  const notice = redis.publish(channelOf(redis, CANCEL_CHANNEL), `${index} ${requestId}`).catch(() => {});
  await Promise.all([remembered, notice]);
}

/**
 * Calls `callback` for each request that is cancelled from now on, with the index of its shard. Notices that are published while the subscriber is
 * not connected are missed.
 * @param options.subscriber a connection of its own
 * @param options.onRefused called once for each connection on which Redis refuses the subscription, which is tried
 * again
 */
export function onCancelled(options: {
  subscriber: Subscriber;
  callback: (shard: number, requestId: string) => void;
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

  subscriber.on('message', (channel, notice) => {
    if (channel !== notices) return;
    const space = notice.indexOf(' ');
    callback(Number(notice.slice(0, space)), notice.slice(space + 1));
  });
  subscriber.on('ready', () => void subscribe());
  if (subscriber.status === 'ready') void subscribe();
}
