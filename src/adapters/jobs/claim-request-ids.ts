import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { jobIdOf } from './chat-job.ts';
import type { NewJob } from './job-queue.ts';
import type { JobShards } from './job-shards.ts';
import { claimRequests } from './redis-scripts/claim-requests.ts';

/** How many ids one script claims at most. Redis does nothing else while a script runs. */
const MAX_BATCH = 1_000;

/**
 * Claims the ids of new requests for the shards of their users, so that an id has one job although each shard knows only its
 * own jobs. An id whose home is the user's shard needs no claim: there, its job is enough. One round trip to each home of
 * the others, for a thousand of them.
 * @param options.rememberMs how long finished requests are recognised. A claim holds as long
 * @returns the jobs without duplicates: those whose id a user of another shard has used before. Duplicates in the same shard stay
 * @throws StoreUnavailableError
 */
export async function claimRequestIds(
  shards: JobShards,
  redis: Redis,
  jobs: readonly NewJob[],
  options: { rememberMs: number },
): Promise<readonly NewJob[]> {
  const abroad = jobs.filter(({ request }) => shards.homeOf(request.requestId) !== shards.of(request.userId));
  if (abroad.length === 0) return jobs;
  const duplicates = new Set<NewJob>();
  const atHomes = Map.groupBy(abroad, ({ request }) => shards.homeOf(request.requestId));
  const batches = [...atHomes].flatMap(([home, all]) => inBatches(all).map((batch) => ({ home, batch })));
  await Promise.all(
    batches.map(async ({ home, batch }) => {
      const claims = batch.map(({ request: { requestId, userId } }) => ({
        jobId: jobIdOf(requestId),
        shard: shards.of(userId).index,
      }));
      const others = await orStoreUnavailable(claimRequests(redis, home.toKey, claims, options));
      for (const index of others) duplicates.add(batch[index]!);
    }),
  );
  return duplicates.size === 0 ? jobs : jobs.filter((job) => !duplicates.has(job));
}

const inBatches = (jobs: readonly NewJob[]) =>
  Array.from({ length: Math.ceil(jobs.length / MAX_BATCH) }, (_, n) => jobs.slice(n * MAX_BATCH, (n + 1) * MAX_BATCH));
