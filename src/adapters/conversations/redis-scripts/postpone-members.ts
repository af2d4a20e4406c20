import { OPEN_TURNS_KEY } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'postpone-members');

/** Sets the deadline of those turns that are open to `dueInMs` from now. One round trip. */
export async function postponeMembers(redis: Redis, members: readonly string[], dueInMs: number): Promise<void> {
  await script(redis, [OPEN_TURNS_KEY], [dueInMs, ...members]);
}
