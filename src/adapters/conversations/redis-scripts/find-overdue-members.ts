import { OPEN_TURNS_KEY } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'find-overdue-members');

/** Returns at most `count` turns that have been overdue for at least `forMs`. One round trip. */
export async function findOverdueMembers(redis: Redis, forMs: number, count: number): Promise<string[]> {
  return (await script(redis, [OPEN_TURNS_KEY], [forMs, count])) as string[];
}
