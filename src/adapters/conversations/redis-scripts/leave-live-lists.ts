import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { memberOf } from '../history-index.ts';

const script = defineScript(import.meta.dirname, 'leave-live-lists');

/** Removes a turn, which MongoDB has, from what Redis keeps of its user's history. One round trip. */
export async function leaveLiveLists(
  redis: Redis,
  { userId, sessionId, requestId, askedAt }: { userId: string; sessionId: string; requestId: string; askedAt: number },
): Promise<void> {
  const keys = [redisKeys.history(userId), redisKeys.sessions(userId)];
  await script(redis, keys, [memberOf({ sessionId, requestId }), sessionId, askedAt]);
}
