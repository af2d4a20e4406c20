import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'add-history-member');

/**
 * Adds a turn to its user's history, and its session to the user's list of sessions. Both are kept for `retentionMs`. One
 * round trip.
 * @returns false: the user was erased, and nothing is added
 */
export async function addHistoryMember(
  redis: Redis,
  userId: string,
  { sessionId, member, createdAt }: { sessionId: string; member: string; createdAt: number },
  retentionMs: number,
): Promise<boolean> {
  const keys = [redisKeys.history(userId), redisKeys.sessions(userId), redisKeys.erasedUser(userId)];
  return (await script(redis, keys, [createdAt, member, sessionId, Date.now() - retentionMs, retentionMs])) === 1;
}
