import type { Redis } from '../redis/redis.ts';
import type { ToKey } from './redis-scripts/bullmq-layout.ts';
import { findTexts } from './redis-scripts/find-texts.ts';

/** Redis does nothing else while it runs a batch. A batch of this size takes a few ms. */
const MAX_BATCH = 200;

/**
 * Calls `see` with the ids of jobs that completed within a time range and still have their text, a batch at a time.
 * @param range in ms
 */
export async function forTexts(
  redis: Redis,
  toKey: ToKey,
  range: { from: number; until: number },
  see: (jobIds: string[]) => Promise<void>,
): Promise<void> {
  for (let skip = 0; ; skip += MAX_BATCH) {
    const { looked, jobIds } = await findTexts(redis, toKey, { ...range, skip, limit: MAX_BATCH });
    if (jobIds.length > 0) await see(jobIds);
    if (looked < MAX_BATCH) return;
  }
}
