import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShard, JobShards } from '../job-shards.ts';
import { appendToEndedLog, type EndedJobLimits } from './ended-log.ts';
import { startAt } from './position.ts';
import { readEndedLog } from './read-ended-log.ts';
import { type FoundJob, readSummaries } from './read-job.ts';

const LISTED_TOGETHER = 1_000;
/** The data of failed jobs has their questions, so few are read at once. */
const READ_TOGETHER = 50;

/**
 * Notes the ended jobs that the log lacks: those of an earlier version, and those that a worker completed in the second before
 * it was killed. If it is interrupted, the next call does the rest.
 * @throws StoreUnavailableError
 */
export async function logMissingJobs({ all }: JobShards, redis: Redis, limits: EndedJobLimits): Promise<void> {
  for (const shard of all) await logMissingOf(shard, redis, limits);
}

async function logMissingOf(shard: JobShard, redis: Redis, limits: EndedJobLimits): Promise<void> {
  for (const state of ['completed', 'failed'] as const) {
    const missing = await findMissing(shard, redis, state);
    for (let first = 0; first < missing.length; first += READ_TOGETHER) {
      const some = missing.slice(first, first + READ_TOGETHER).map((jobId) => ({ jobId, shard }));
      const found = await readSummaries(redis, some);
      const jobs = found.flatMap((job, i) => (job ? [endedJobOf(some[i]!.jobId, state, job)] : []));
      if (jobs.length > 0) await appendToEndedLog(redis, shard.toKey, state, jobs, limits);
    }
  }
}

/** Their ids, those that ended first come first. */
async function findMissing({ toKey }: JobShard, redis: Redis, state: 'completed' | 'failed'): Promise<string[]> {
  // Read before the log, so that a job that ends meanwhile is in the log if it is in here.
  const ids: string[] = [];
  for (let first = 0; ; first += LISTED_TOGETHER) {
    const some = await orStoreUnavailable(
      redis.zrange(toKey(state), String(first), String(first + LISTED_TOGETHER - 1)),
    );
    ids.push(...some);
    if (some.length < LISTED_TOGETHER) break;
  }
  const all = { parts: [], after: startAt(undefined), from: 0, limit: Number.POSITIVE_INFINITY };
  const logged = new Set((await readEndedLog(redis, toKey, state, all)).map(({ jobId }) => jobId));
  return ids.filter((jobId) => !logged.has(jobId));
}

function endedJobOf(jobId: string, state: 'completed' | 'failed', { summary, at }: FoundJob) {
  const { userId, sessionId, status, code } = summary;
  return {
    ...{ jobId, at, userId: userId ?? '', sessionId: sessionId ?? '', code: code ?? '' },
    status: state === 'failed' ? ('failed' as const) : status === 'cancelled' ? status : ('completed' as const),
  };
}
