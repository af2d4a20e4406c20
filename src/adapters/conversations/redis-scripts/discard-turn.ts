import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'discard-turn');

/** Removes a turn if it was neither confirmed nor answered. One round trip. */
export async function discardTurn(redis: Redis, sessionId: string, requestId: string): Promise<void> {
  await script(redis, [redisKeys.turns(sessionId)], [requestId]);
}
