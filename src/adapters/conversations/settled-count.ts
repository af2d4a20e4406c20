import { SETTLED_COUNT_KEY } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';

/** Adds to the count of answers that all api processes have written down, and returns the sum. One round trip. */
export const addToSettledCount = (redis: Redis, newlySettled: number): Promise<number> =>
  redis.incrby(SETTLED_COUNT_KEY, newlySettled);
