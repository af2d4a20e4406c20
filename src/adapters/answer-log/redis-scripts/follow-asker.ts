import type { AnswerEvent } from '../../../contracts/answer-events.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { logChannelOf } from '../log-channel.ts';

const script = defineScript(import.meta.dirname, 'follow-asker');

/** The message that tells readers that their log follows another request from now on. */
export const FOLLOWS = 'follows';

/**
 * Notes in a request's log that it follows another request, and tells its readers. One round trip. Repeating it does no harm,
 * and it does nothing once a later attempt has written.
 * @param asker the id of the request that is asking the model
 * @param event the event with which that begins
 * @param keptMs how long the log is kept from now on
 * @throws StoreUnavailableError
 */
export async function followAsker(
  redis: Redis,
  { requestId, epoch }: { requestId: string; epoch: number },
  { asker, event, keptMs }: { asker: string; event: AnswerEvent; keptMs: number },
): Promise<void> {
  const told = [logChannelOf(redis, requestId), new Date().toISOString(), FOLLOWS];
  const args = [epoch, asker, JSON.stringify(event), keptMs, ...told];
  await orStoreUnavailable(script(redis, [redisKeys.answerLog(requestId)], args));
}
