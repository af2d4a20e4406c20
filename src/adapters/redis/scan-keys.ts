import { orStoreUnavailable } from './connect-redis.ts';
import { everyPrimary } from './nodes.ts';
import type { Redis } from './redis.ts';

const LOOKED_AT_TOGETHER = 100;

/**
 * Finds the keys that match a pattern, some at a time; a key may come twice. The user needs the right to SCAN. One round trip
 * for each 100 keys that Redis looks at. @throws StoreUnavailableError
 */
export async function* scanKeys(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  for (const node of everyPrimary(redis)) {
    let cursor = '0';
    do {
      const [next, keys] = await orStoreUnavailable(node.scan(cursor, 'MATCH', pattern, 'COUNT', LOOKED_AT_TOGETHER));
      yield keys;
      cursor = next;
    } while (cursor !== '0');
  }
}
