import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'make-session-list');

/** Makes a user's list of sessions from the history if there is none. One round trip. */
export async function makeSessionList(redis: Redis, userId: string): Promise<void> {
  await script(redis, [redisKeys.history(userId), redisKeys.sessions(userId)], []);
}
