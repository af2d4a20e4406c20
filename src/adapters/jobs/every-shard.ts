import { JOBS_QUEUE, jobsPrefixOf, MOST_JOB_SHARDS } from '../../contracts/queues.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { JobShard, JobShards } from './job-shards.ts';
import type { ToKey } from './redis-scripts/bullmq-layout.ts';

/** What is needed to look at the jobs of a shard. */
export type ShardKeys = Pick<JobShard, 'toKey'>;

/** A shard that has jobs, or something about jobs, has one of these. */
const PLACES = ['active', 'wait', 'prioritized', 'delayed', 'completed', 'failed'];
const TRACES = ['completed-log', 'failed-log', 'next-tags'];

/**
 * Finds all shards in which there are jobs, or something about jobs: those of today, and those that an earlier JOB_SHARDS had. The number
 * changes only while no process runs, so they are looked for once, with one round trip.
 * @returns rejects with StoreUnavailableError
 */
export function createEveryShard(shards: Pick<JobShards, 'all'>, redis: Redis): () => Promise<readonly ShardKeys[]> {
  const today = new Set(shards.all.map(({ prefix }) => prefix));
  const numbered = Array.from({ length: MOST_JOB_SHARDS }, (_, n) => jobsPrefixOf(n, MOST_JOB_SHARDS));
  const others = [jobsPrefixOf(0, 1), ...numbered]
    .filter((prefix) => !today.has(prefix))
    .map((prefix): ShardKeys => ({ toKey: toKeyOf(prefix) }));
  let found: readonly ShardKeys[] | undefined;
  return async () => {
    if (found) return found;
    const counts = await orStoreUnavailable(
      Promise.all(others.map(({ toKey }) => redis.exists(...[...PLACES, ...TRACES].map(toKey)))),
    );
    found = [...shards.all, ...others.filter((_, index) => counts[index]! > 0)];
    return found;
  };
}

const toKeyOf =
  (prefix: string): ToKey =>
  (type) =>
    `${prefix}:${JOBS_QUEUE}:${type}`;
