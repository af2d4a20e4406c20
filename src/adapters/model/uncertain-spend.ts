import type { Logger } from 'pino';
import { UNCERTAIN_SPEND_KEY } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';

/**
 * Counts a model call that may have been paid for although it brought no answer. The count is in Redis, because the
 * metrics of a process are lost with it. If Redis cannot count, that is only logged.
 */
export function countUncertainSpend(redis: Redis, why: string, logger: Logger): void {
  redis
    .hincrby(UNCERTAIN_SPEND_KEY, why, 1)
    .catch((error) => logger.warn({ why, err: error }, 'uncertain spend not counted'));
}

/** The counts by reason. */
export async function readUncertainSpend(redis: Redis): Promise<Record<string, number>> {
  const counts = Object.entries(await redis.hgetall(UNCERTAIN_SPEND_KEY));
  return Object.fromEntries(counts.map(([why, count]) => [why, Number(count)]));
}
