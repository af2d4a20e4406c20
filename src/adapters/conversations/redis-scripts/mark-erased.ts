import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { Remains } from '../conversation-store.ts';
import { NOTHING_LEFT, TOMBSTONE_MS } from '../tombstone.ts';

const script = defineScript(import.meta.dirname, 'mark-erased', { NOTHING_LEFT });

/** Notes that nothing of this is left elsewhere. One round trip. @returns false: something was added since */
export async function markErased(redis: Redis, sessionId: string, { version }: Remains): Promise<boolean> {
  return (await script(redis, [redisKeys.erased(sessionId)], [version, TOMBSTONE_MS])) === 1;
}
