import type { JobFilter, JobStatus } from '../../../contracts/jobs.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShard, JobShards } from '../job-shards.ts';
import type { ToKey } from '../redis-scripts/bullmq-layout.ts';
import { findLiveJobs, type LivePlace } from '../redis-scripts/find-live-jobs.ts';
import { partsOf } from './ended-line.ts';
import { comesAfter, latestFirst, type Position } from './position.ts';
import { readEndedLog } from './read-ended-log.ts';

/** A job that may match. Only the job itself shows whether it does. */
export interface Candidate extends Position {
  shard: JobShard;
  /** Where it was found; undefined for a job that has ended. */
  place?: LivePlace;
}

/** Returns at most `limit` jobs after a position, the latest first. If there are fewer, there are no more. */
export type Source = (after: Position, limit: number) => Promise<Candidate[]>;

/** How many jobs one script looks at. Redis does nothing else while a script runs. */
const LIVE_TOGETHER = 500;
const ENDED_TOGETHER = 1_000;

const placesOf: Record<JobStatus, readonly LivePlace[]> = {
  waiting: ['prioritized', 'wait'],
  delayed: ['delayed'],
  active: ['active'],
  completed: [],
  cancelled: [],
  failed: [],
};
const allPlaces = Object.values(placesOf).flat();

/**
 * Where jobs must be looked for. `filter.requestId` is ignored.
 * @param most so many jobs are asked of a source in all, however many there are
 */
export function sourcesFor(shards: JobShards, redis: Redis, filter: JobFilter, most: number): Source[] {
  const { userId } = filter;
  const searched = userId === undefined ? shards.all : [shards.of(userId)];
  return searched.flatMap((shard) => sourcesIn(shard, redis, filter, most));
}

function sourcesIn(shard: JobShard, redis: Redis, filter: JobFilter, most: number): Source[] {
  const { status, code } = filter;
  if (code !== undefined && status !== undefined && status !== 'failed') return [];
  const onlyFailed = status === 'failed' || code !== undefined;
  const places = onlyFailed ? [] : status ? placesOf[status] : allPlaces;
  const sources: Source[] = places.length > 0 ? [liveSource(shard, redis, places, filter, most)] : [];
  if (onlyFailed || !status) sources.push(endedSource(shard, redis, 'failed', filter));
  if (status === 'completed' || status === 'cancelled' || (!status && !onlyFailed)) {
    sources.push(endedSource(shard, redis, 'completed', filter));
  }
  return sources;
}

/**
 * Jobs that have not ended are looked for once for all pages of a search. There may be any number, so only those are kept
 * that the search can ask for.
 */
function liveSource(
  shard: JobShard,
  redis: Redis,
  places: readonly LivePlace[],
  filter: JobFilter,
  most: number,
): Source {
  const { userId, sessionId, from = 0 } = filter;
  const parts: string[] = [];
  // In a text, which is part of a job's data, these quotes would have backslashes before them.
  if (userId !== undefined) parts.push(`"userId":${JSON.stringify(userId)}`);
  if (sessionId !== undefined) parts.push(`"sessionId":${JSON.stringify(sessionId)}`);
  let latest: Promise<Candidate[]> | undefined;

  async function findLatest(after: Position): Promise<Candidate[]> {
    let found: Candidate[] = [];
    for (const place of places) {
      for (let skip = 0; ; skip += LIVE_TOGETHER) {
        const range = { skip, count: LIVE_TOGETHER };
        const some = await orStoreUnavailable(findLiveJobs(redis, shard.toKey, place, range, parts));
        for (const job of some.found)
          if (job.at >= from && comesAfter(job, after)) found.push({ ...job, shard, place });
        if (found.length > most) found = found.sort(latestFirst).slice(0, most);
        if (some.looked < LIVE_TOGETHER) break;
      }
    }
    return found.sort(latestFirst);
  }

  return async (after, limit) => {
    latest ??= findLatest(after);
    return (await latest).filter((job) => comesAfter(job, after)).slice(0, limit);
  };
}

function endedSource(shard: JobShard, redis: Redis, state: 'completed' | 'failed', filter: JobFilter): Source {
  const { userId, sessionId, code, from = 0 } = filter;
  const status = filter.status === 'cancelled' ? filter.status : undefined;
  const parts = partsOf({ userId, sessionId, code, status });
  const find = parts.length === 0 ? findByTime : readEndedLog;
  return async (after, limit) => {
    const found = await find(redis, shard.toKey, state, { parts, after, from, limit });
    return found.map(({ jobId, at }) => ({ jobId, at, shard }));
  };
}

async function findByTime(
  redis: Redis,
  toKey: ToKey,
  state: 'completed' | 'failed',
  { after, from, limit }: { after: Position; from: number; limit: number },
): Promise<Position[]> {
  const found: Position[] = [];
  for (let skip = 0; ; skip += ENDED_TOGETHER) {
    // Ids and times alternate.
    const some = await orStoreUnavailable(
      redis.zrevrangebyscore(toKey(state), after.at, from, 'WITHSCORES', 'LIMIT', skip, ENDED_TOGETHER),
    );
    for (let i = 0; i < some.length; i += 2) {
      const job = { jobId: some[i]!, at: Number(some[i + 1]) };
      if (comesAfter(job, after)) found.push(job);
      if (found.length === limit) return found;
    }
    if (some.length < 2 * ENDED_TOGETHER) return found;
  }
}
