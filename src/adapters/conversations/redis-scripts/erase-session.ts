import { redisKeys, SETTLED_CHANNEL } from '../../../contracts/redis-keys.ts';
import { channelOf } from '../../redis/channels.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { Remains } from '../conversation-store.ts';
import { NOTHING_LEFT, TOMBSTONE_MS } from '../tombstone.ts';

const script = defineScript(import.meta.dirname, 'erase-session', {
  NOTHING_LEFT,
  // A notice has this in place of a replica's name. No replica has this name, so none of them ignores the notice.
  ERASER: 'erased',
});

/**
 * Erases the session, and leaves a tombstone that lists what must still be erased elsewhere. A repeated call returns
 * the same until `markErased`. Returns undefined if the user has no such session. One round trip.
 */
export async function eraseSession(redis: Redis, sessionId: string, userId: string): Promise<Remains | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  const tombstone = (await script(redis, keys, [userId, TOMBSTONE_MS, channelOf(redis, SETTLED_CHANNEL)])) as
    | string
    | null;
  if (tombstone === null) return undefined;
  const { requestIds, answerKeys, had } = JSON.parse(tombstone) as Record<keyof Remains, unknown>;
  return {
    ...{ requestIds: listOf(requestIds), answerKeys: listOf(answerKeys), version: tombstone },
    // Absent where an answer came after everything was erased, and in a tombstone of an earlier version.
    had: { turns: 0, feedback: 0, openTurns: 0, ...(had as Partial<Remains['had']> | undefined) },
  };
}

/** Lua writes an empty list as an empty object. */
const listOf = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);
