import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'replace-data-key');

/**
 * Puts a data key in the place of another. Returns false if the owner has another one, or none. One round trip.
 * @param before JSON, as it is kept
 * @param after JSON
 */
export async function replaceDataKey(redis: Redis, owner: string, before: string, after: string): Promise<boolean> {
  return (await script(redis, [redisKeys.dataKey(owner)], [before, after])) === 1;
}
