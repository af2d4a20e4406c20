import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import { inSlotGroups } from '../../redis/in-slot-groups.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'forget-answers');

/** Removes answers, at most 2,000, from the cache. One round trip. */
export async function forgetAnswers(redis: Redis, hashes: readonly string[]): Promise<void> {
  const forget = async (keys: string[]) => {
    await script(redis, keys, []);
    return keys;
  };
  await Promise.all(inSlotGroups(redis, hashes.map(redisKeys.answer), (key) => key, forget));
}
