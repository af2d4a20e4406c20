import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'replace-account');

/** Replaces an account, given as JSON, if it still is what was read. Returns false if it is not. One round trip. */
export async function replaceAccount(redis: Redis, key: string, before: string, after: string): Promise<boolean> {
  return (await script(redis, [key], [before, after])) === 1;
}
