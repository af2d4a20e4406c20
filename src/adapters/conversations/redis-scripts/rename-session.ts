import type { Session } from '../../../contracts/conversation.ts';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { sealTitle } from '../sealed-texts.ts';
import { readStoredSession } from '../stored-session.ts';

const script = defineScript(import.meta.dirname, 'rename-session');

/** Gives a user's session another title. Returns undefined if the user has no such session. One round trip. */
export async function renameSession(
  { redis, seals }: { redis: Redis; seals: Seals },
  { sessionId, userId }: { sessionId: string; userId: string },
  title: string,
): Promise<Session | undefined> {
  const kept = JSON.stringify(sealTitle(seals, { sessionId, userId }, title));
  const text = (await script(redis, [redisKeys.session(sessionId)], [userId, kept])) as string | null;
  return text === null ? undefined : readStoredSession(seals, sessionId, text, '');
}
