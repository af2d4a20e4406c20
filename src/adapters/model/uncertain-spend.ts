import type { Redis } from 'ioredis';
import { UNCERTAIN_SPEND_KEY } from '../../contracts/redis-keys.ts';

/** Counts a model call that may have been paid for without an answer; a process's own metrics end with it. */
export async function countUncertainSpend(redis: Redis, why: string): Promise<void> {
  await redis.hincrby(UNCERTAIN_SPEND_KEY, why, 1);
}

/** All that was counted, by reason. */
export async function readUncertainSpend(redis: Redis): Promise<Record<string, number>> {
  const counts = Object.entries(await redis.hgetall(UNCERTAIN_SPEND_KEY));
  return Object.fromEntries(counts.map(([why, count]) => [why, Number(count)]));
}
