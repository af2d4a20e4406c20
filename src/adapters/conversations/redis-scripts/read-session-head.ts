import type { Session } from '../../../contracts/conversation.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { readStoredSession } from '../stored-session.ts';

const script = defineScript(import.meta.dirname, 'read-session-head');

/**
 * Reads a user's session without its turns. One round trip.
 * @returns `gone`: there is no such session, or it is another user's; `hidden`: none of its turns was ever visible
 */
export async function readSessionHead(
  { redis, seals }: { redis: Redis; seals: Seals },
  { sessionId, userId }: { sessionId: string; userId: string },
): Promise<Session | 'gone' | 'hidden'> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  const found = (await script(redis, keys, [userId])) as [string, string] | number | null;
  if (found === null) return 'gone';
  return typeof found === 'number' ? 'hidden' : readStoredSession(seals, sessionId, ...found);
}
