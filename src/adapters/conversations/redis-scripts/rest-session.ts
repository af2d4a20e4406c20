import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'rest-session');

/** Lets a session leave Redis after `idleMs`, unless one of its turns is open. One round trip. */
export async function restSession(redis: Redis, sessionId: string, idleMs: number): Promise<void> {
  await script(redis, [redisKeys.session(sessionId), redisKeys.turns(sessionId)], [idleMs]);
}
