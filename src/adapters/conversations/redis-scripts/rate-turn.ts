import type { TurnAddress } from '../../../contracts/conversation.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'rate-turn');

/**
 * Keeps the feedback of a turn, or removes it if the new one is empty. One round trip.
 * @param feedback JSON
 * @returns the feedback before, or an empty text; undefined: the user has no such turn, or it has no answer
 */
export async function rateTurn(
  redis: Redis,
  { sessionId, requestId, userId }: TurnAddress,
  feedback: string,
): Promise<string | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  return ((await script(redis, keys, [userId, requestId, feedback])) as string | null) ?? undefined;
}
