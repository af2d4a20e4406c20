import type { Redis } from 'ioredis';
import { CANCEL_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { jobIdOf } from '../jobs/chat-job.ts';

/** A cancelled request may still be on its way for as long as a backlog can last. */
const REMEMBERED_SECONDS = 7 * 24 * 3600;

/** Says that a request's work is to stop, to whichever process has it now or gets it later. One round trip. */
export async function cancelRequest(redis: Redis, requestId: string): Promise<void> {
  await redis.set(redisKeys.cancelled(jobIdOf(requestId)), '1', 'EX', REMEMBERED_SECONDS);
  await redis.publish(CANCEL_CHANNEL, requestId);
}

/**
 * Calls back for each request that is cancelled from now on.
 * @param subscriber a connection of its own
 */
export async function onCancelled(subscriber: Redis, callback: (requestId: string) => void): Promise<void> {
  subscriber.on('message', (channel, requestId) => {
    if (channel === CANCEL_CHANNEL) callback(requestId);
  });
  subscriber.on('ready', () => subscriber.subscribe(CANCEL_CHANNEL).catch(() => {}));
  await subscriber.subscribe(CANCEL_CHANNEL);
}
