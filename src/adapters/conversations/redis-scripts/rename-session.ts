import type { Session } from '../../../contracts/conversation.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { readStoredSession } from '../stored-session.ts';

const script = defineScript(import.meta.dirname, 'rename-session');

/** Gives a user's session another title. Returns undefined if the user has no such session. One round trip. */
export async function renameSession(
  redis: Redis,
  { sessionId, userId }: { sessionId: string; userId: string },
  title: string,
): Promise<Session | undefined> {
  const text = (await script(redis, [redisKeys.session(sessionId)], [userId, title])) as string | null;
  return text === null ? undefined : readStoredSession(sessionId, text, '');
}
