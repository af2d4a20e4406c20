import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'point-to-erasure');

/**
 * Lets a pointer lead from one erasure to another one, if it still leads to the first. Returns false if it does not. One round trip.
 * @param ids undefined: there is no pointer, before or after
 * @param ttlMs how long it is kept; left out: for ever
 */
export async function pointToErasure(
  redis: Redis,
  pointer: string,
  ids: { before: string | undefined; after: string | undefined },
  ttlMs = 0,
): Promise<boolean> {
  return (await script(redis, [pointer], [ids.before ?? '', ids.after ?? '', ttlMs])) === 1;
}
