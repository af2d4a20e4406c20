import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { logChannelOf } from '../log-channel.ts';

const script = defineScript(import.meta.dirname, 'erase-log');

/** The message that tells readers that their log is gone. */
export const ERASED = 'erased';

/** A worker that has the request in hand has given it up by then. */
const REMEMBERED_MS = 3_600_000;

/** Erases a request's log, and cuts off its readers. One round trip. @throws StoreUnavailableError */
export async function eraseLog(redis: Redis, requestId: string): Promise<void> {
  const args = [REMEMBERED_MS, logChannelOf(redis, requestId), ERASED];
  await orStoreUnavailable(script(redis, [redisKeys.answerLog(requestId)], args));
}
