import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { jobIdOf } from './chat-job.ts';
import type { NewJob } from './job-queue.ts';
import type { JobShards } from './job-shards.ts';
import { claimRequests } from './redis-scripts/claim-requests.ts';
import { finishedDigest } from './redis-scripts/finished-requests.ts';

/** Claims hold at least so long: longer than a request usually waits, and than its answer log is kept after its end. */
const LEAST_WINDOW_MS = 24 * 3_600_000;
/** How many ids one script claims at most. Redis does nothing else while a script runs. */
const MAX_BATCH = 1_000;

/**
 * Claims the ids of new requests for the shards of their users, so that an id has one job although each shard knows only its
 * own jobs. One round trip to each shard for a thousand requests, and none if there is only one shard.
 * @returns the jobs without duplicates: those whose id a user of another shard has used before. Duplicates in the same shard stay
 * @throws StoreUnavailableError
 */
export async function claimRequestIds(
  shards: JobShards,
  redis: Redis,
  jobs: readonly NewJob[],
  { rememberMs }: { rememberMs: number },
): Promise<readonly NewJob[]> {
  if (shards.all.length === 1) return jobs;
  const windowMs = Math.max(rememberMs, LEAST_WINDOW_MS);
  const duplicates = new Set<NewJob>();
  const atHomes = Map.groupBy(jobs, ({ request }) => shards.homeOf(request.requestId));
  const batches = [...atHomes].flatMap(([home, all]) => inBatches(all).map((batch) => ({ home, batch })));
  await Promise.all(
    batches.map(async ({ home, batch }) => {
      const claims = batch.map(({ request }) => ({
        digest: finishedDigest(jobIdOf(request.requestId)),
        shard: shards.of(request.userId).index,
      }));
      const others = await orStoreUnavailable(claimRequests(redis, home.toKey, claims, { windowMs }));
      for (const index of others) duplicates.add(batch[index]!);
    }),
  );
  return duplicates.size === 0 ? jobs : jobs.filter((job) => !duplicates.has(job));
}

const inBatches = (jobs: readonly NewJob[]) =>
  Array.from({ length: Math.ceil(jobs.length / MAX_BATCH) }, (_, n) => jobs.slice(n * MAX_BATCH, (n + 1) * MAX_BATCH));
