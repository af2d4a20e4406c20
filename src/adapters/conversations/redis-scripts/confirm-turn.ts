import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'confirm-turn');

/** Makes an accepting turn visible as queued. One round trip. */
export async function confirmTurn(
  redis: Redis,
  sessionId: string,
  requestId: string,
  retentionMs: number,
): Promise<void> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  await script(redis, keys, [requestId, new Date().toISOString(), retentionMs]);
}
