import { setTimeout as sleep } from 'node:timers/promises';
import type { FailedJobFilter, RetryOptions, RetryReport } from '../../../contracts/jobs.ts';
import { repliesOf } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import { returnJobs } from '../job-queue.ts';
import type { JobShard, JobShards } from '../job-shards.ts';
import { type EndedLine, partsOf, SAME_END_MS } from './ended-line.ts';
import { latestFirst, startAt } from './position.ts';
import { readEndedLog } from './read-ended-log.ts';

/** More failed jobs than this are not counted. */
const MAX_MATCHING = 100_000;
const LOOKED_AT_TOGETHER = 1_000;
/** How many jobs are retried together. */
const MAX_BATCH = 200;
/** The pause between two batches. */
const TICK_MS = 100;
/** A job is moved to the failed jobs this much after its line was written, at most. */
const CLOSE_MS = 50;

/** A failed job. */
export interface FailedJob extends EndedLine {
  shard: JobShard;
  /** Its place among the failed jobs, ms. It is a moment later than `at`, the time of its line in the log. */
  failedAt: number;
}

/**
 * Runs failed jobs again, the oldest failure first. Jobs that fail again meanwhile are not retried again.
 * @param onProgress how many were retried so far, and how many are to be
 * @throws StoreUnavailableError
 */
export async function retryFailedJobs(
  shards: JobShards,
  redis: Redis,
  options: RetryOptions,
  onProgress: (retried: number, of: number) => void = () => {},
): Promise<RetryReport> {
  const { dryRun, limit, rate } = options;
  const matching = await findFailed(shards, redis, options);
  const report = { dryRun, matching: matching.length, byCode: countByCode(matching) };
  if (dryRun) return { ...report, retried: 0, left: matching.length };

  const jobs = matching.reverse().slice(0, limit);
  const startedAt = performance.now();
  let tried = 0;
  let retried = 0;
  while (tried < jobs.length) {
    const due = 1 + Math.floor(((performance.now() - startedAt) / 1000) * rate);
    const batch = jobs.slice(tried, Math.min(due, tried + MAX_BATCH));
    if (batch.length > 0) {
      retried += await returnFailed(redis, batch);
      tried += batch.length;
      onProgress(retried, jobs.length);
    }
    if (tried < jobs.length) await sleep(Math.max(TICK_MS, 1000 / rate));
  }
  return { ...report, retried, left: matching.length - retried };
}

async function returnFailed(redis: Redis, jobs: readonly FailedJob[]): Promise<number> {
  const ofShards = Map.groupBy(jobs, ({ shard }) => shard);
  const returned = await Promise.all(
    [...ofShards].map(([shard, some]) =>
      returnJobs(
        shard,
        redis,
        'failed',
        some.map(({ jobId }) => jobId),
      ),
    ),
  );
  return returned.reduce((sum, count) => sum + count, 0);
}

/** The failed jobs that match, the latest first. */
export async function findFailed(
  shards: JobShards,
  redis: Redis,
  filter: FailedJobFilter,
  limit: number = MAX_MATCHING,
): Promise<FailedJob[]> {
  const { userId } = filter;
  const searched = userId === undefined ? shards.all : [shards.of(userId)];
  const found = await Promise.all(searched.map((shard) => findFailedIn(shard, redis, filter, limit)));
  return found.length === 1 ? found[0]! : found.flat().sort(latestFirst).slice(0, limit);
}

async function findFailedIn(
  shard: JobShard,
  redis: Redis,
  filter: FailedJobFilter,
  limit: number,
): Promise<FailedJob[]> {
  const { toKey } = shard;
  const { code, userId, sessionId, from = 0, until = Number.POSITIVE_INFINITY } = filter;
  const lines = await readEndedLog(redis, toKey, 'failed', {
    // Not the code: a job that has failed again since, with another code, is not meant.
    parts: partsOf({ userId, sessionId, status: 'failed' }),
    after: startAt(filter.until),
    from,
    limit,
  });
  const found: FailedJob[] = [];
  const ofCode = code === undefined ? lines : lines.filter((line) => line.code === code);
  for (let first = 0; first < ofCode.length; first += LOOKED_AT_TOGETHER) {
    const some = ofCode.slice(first, first + LOOKED_AT_TOGETHER);
    const pipeline = redis.pipeline();
    for (const { jobId } of some) pipeline.zscore(toKey('failed'), jobId);
    const failedAt = (await repliesOf(pipeline)) as (string | null)[];
    for (const [i, line] of some.entries()) {
      const at = failedAt[i];
      // A job that has failed again later, after `until`, is not meant.
      const isCurrent = at !== null && Number(at) <= until + CLOSE_MS && Math.abs(Number(at) - line.at) < SAME_END_MS;
      if (isCurrent) found.push({ ...line, shard, failedAt: Number(at) });
    }
  }
  return found;
}

/** The most frequent first. */
export function countByCode(jobs: readonly EndedLine[]): { code: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { code } of jobs) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count);
}
