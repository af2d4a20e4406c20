import type { FailedJobFilter, FailedOfCause } from '../../../contracts/jobs.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShards } from '../job-shards.ts';
import type { EndedLine } from './ended-line.ts';
import { requestIdOf } from './read-job.ts';
import { findFailed } from './retry-failed.ts';

/**
 * Groups the failed jobs by their code, the most frequent first.
 * @param limit how many are looked at, the newest first
 * @throws StoreUnavailableError
 */
export async function failedByCause(
  shards: JobShards,
  redis: Redis,
  filter: FailedJobFilter,
  limit: number,
): Promise<{ failures: FailedOfCause[]; counted: number }> {
  const failed = await findFailed(shards, redis, filter, limit);
  const byCode = Map.groupBy(failed, ({ code }) => code);
  const failures = [...byCode].map(([code, jobs]) => groupOf(code, jobs)).sort((a, b) => b.count - a.count);
  return { failures, counted: failed.length };
}

function groupOf(code: string, newestFirst: readonly EndedLine[]): FailedOfCause {
  const [newest, oldest] = [newestFirst[0]!, newestFirst.at(-1)!];
  return {
    code,
    count: newestFirst.length,
    oldest: new Date(oldest.at).toISOString(),
    newest: new Date(newest.at).toISOString(),
    example: requestIdOf(newest.jobId) ?? newest.jobId,
  };
}
