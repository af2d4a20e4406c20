import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'end-login');

/**
 * Notes that a login has ended, and tells the processes that listen on the channel. One round trip.
 * @param key the key of the ended logins
 */
export async function endLogin(
  redis: Redis,
  key: string,
  { loginId, keepMs, channel }: { loginId: string; keepMs: number; channel: string },
): Promise<void> {
  await script(redis, [key], [loginId, keepMs, channel]);
}
