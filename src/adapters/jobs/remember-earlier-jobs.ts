import type { Logger } from 'pino';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { forTexts } from './for-texts.ts';
import type { JobShards } from './job-shards.ts';
import { rememberFinished } from './redis-scripts/remember-finished.ts';
import { untilStored } from './until-stored.ts';

/**
 * Remembers the requests of jobs that an earlier version of this product has completed. They have kept their text, and their
 * requests are not remembered as finished.
 * @param options.redeliveryWindowMs how long a duplicate of a finished request is recognised
 * @returns resolves once they are remembered. No job may complete before that: it might push out one of those jobs, and then a
 * duplicate of that job's request would be answered again
 */
export async function rememberEarlierJobs(options: {
  redis: Redis;
  shards: JobShards;
  redeliveryWindowMs: number;
  logger: Logger;
}): Promise<void> {
  const { redis, shards, redeliveryWindowMs: windowMs, logger } = options;
  const all = { from: 0, until: Number.MAX_SAFE_INTEGER };
  await Promise.all(
    shards.all.map(async ({ toKey }) => {
      const remember = (jobIds: string[]) => rememberFinished(redis, toKey, jobIds, { windowMs });
      await untilStored(() => orStoreUnavailable(forTexts(redis, toKey, all, remember)), logger).catch((error) =>
        logger.warn({ err: error }, 'jobs that an earlier version has completed could not be remembered'),
      );
    }),
  );
}
