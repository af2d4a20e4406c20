import { OPEN_TURNS_KEY } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'add-open-member');

/** Adds a turn to the open turns. One round trip. */
export async function addOpenMember(redis: Redis, member: string, dueInMs: number): Promise<void> {
  await script(redis, [OPEN_TURNS_KEY], [dueInMs, member]);
}
