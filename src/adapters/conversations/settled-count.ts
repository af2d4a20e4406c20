import type { Redis } from 'ioredis';
import { SETTLED_COUNT_KEY } from '../../contracts/redis-keys.ts';

/** Adds to the count of all answers that any api process has ever written down, and gives the sum. One round trip. */
export const addToSettledCount = (redis: Redis, newlySettled: number): Promise<number> =>
  redis.incrby(SETTLED_COUNT_KEY, newlySettled);
