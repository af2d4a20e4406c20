import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'hold-session');

/**
 * Keeps a session in Redis for at least `leastMs`. Returns false if it is not there; true if it is, or was erased. One
 * round trip.
 */
export async function holdSession(redis: Redis, sessionId: string, leastMs: number): Promise<boolean> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId), redisKeys.erased(sessionId)];
  return (await script(redis, keys, [leastMs])) === 1;
}
