import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { defineScript } from '../../redis/define-script.ts';

const script = defineScript(import.meta.dirname, 'stop-following');

/**
 * Ends the copying of another request's events into a request's log, for an attempt that is going to write. One round trip.
 * Repeating it does no harm.
 * @returns the number of the last event, and the bytes of all; undefined: it followed no other request
 * @throws StoreUnavailableError
 */
export async function stopFollowing(
  redis: Redis,
  { requestId, epoch }: { requestId: string; epoch: number },
): Promise<{ number: number; bytes: number } | undefined> {
  const reply = await orStoreUnavailable(script(redis, [redisKeys.answerLog(requestId)], [epoch]));
  const [number, bytes] = reply as [number, number];
  return number < 0 ? undefined : { number, bytes };
}
