import type { Redis } from 'ioredis';
import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';

const script = defineScript(import.meta.dirname, 'forget-answers');

/** Removes answers, at most 1,000, from the cache. One round trip. */
export async function forgetAnswers(redis: Redis, hashes: readonly string[]): Promise<void> {
  if (hashes.length > 0) await script(redis, hashes.map(redisKeys.answer), []);
}
