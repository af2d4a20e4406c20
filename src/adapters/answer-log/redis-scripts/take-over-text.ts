import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'take-over-text');

/**
 * Takes the text of a request's log over for an attempt that is going to write. One round trip. Repeating it does no harm.
 * @returns the number of the last event, and the bytes of all; undefined: there is no text to go on with
 * @throws StoreUnavailableError
 */
export async function takeOverText(
  redis: Redis,
  { requestId, epoch }: { requestId: string; epoch: number },
): Promise<{ number: number; bytes: number } | undefined> {
  const reply = await orStoreUnavailable(script(redis, [redisKeys.answerLog(requestId)], [epoch]));
  const [number, bytes] = reply as [number, number];
  return number < 0 ? undefined : { number, bytes };
}
