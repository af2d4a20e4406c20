import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { jobIdOf } from './chat-job.ts';
import type { JobShard, JobShards } from './job-shards.ts';
import { type FoundJob, findJobs } from './redis-scripts/find-jobs.ts';

/**
 * Where a request's job is:
 * - *waiting*: `ahead` jobs are taken before it, as far as is known: see `placesInLine`.
 * - *delayed*: it continues at `dueAt`. After a failed attempt, `retry` has the time of the first failure and the code
 *   of the latest.
 * - *active*: a worker has had it since `startedAt`.
 * - *finished*: its answer was published.
 * - *none*: there is no job. RabbitMQ still has the request, or the request is lost.
 */
export type PlaceInLine =
  | { kind: 'waiting'; attemptsMade: number; ahead: number }
  | { kind: 'delayed'; attemptsMade: number; dueAt: number; retry: { since: string; code: string } | undefined }
  | { kind: 'active'; attemptsMade: number; startedAt: number }
  | { kind: 'finished' | 'none' };

/** BullMQ's score of a delayed job is the time in ms times 4,096, plus a counter for jobs of the same ms. */
const DELAYED_SCALE = 0x1000;

export interface UsersRequest {
  requestId: string;
  userId: string;
}

/** A request, and the shard that has its job if there is one. */
export interface RequestInShard {
  requestId: string;
  shard: JobShard;
}

/**
 * Where the jobs of these requests are, in one round trip; times are in ms.
 *
 * Workers take as many jobs from each shard that has some: see runner/shard-places.ts. So before the job that is the tenth in
 * its shard, nine jobs of each shard are taken, or all of a shard that has fewer. That is the number in `ahead`. It goes down as
 * the jobs are taken, whichever shards they are in.
 * @throws StoreUnavailableError
 */
export async function placesInLine(
  { all }: JobShards,
  redis: Redis,
  requests: readonly RequestInShard[],
): Promise<PlaceInLine[]> {
  if (requests.length === 0) return [];
  const asked = Map.groupBy(requests.keys(), (index) => requests[index]!.shard);
  const places: PlaceInLine[] = [];
  const find = async ([{ toKey }, indexes]: [JobShard, number[]]) => {
    const found = await findJobs(
      redis,
      toKey,
      indexes.map((index) => jobIdOf(requests[index]!.requestId)),
    );
    for (const [i, job] of found.entries()) places[indexes[i]!] = placeOf(job);
  };
  const [lengths] = await orStoreUnavailable(
    Promise.all([
      all.length === 1 ? [] : Promise.all(all.map(({ toKey }) => redis.zcard(toKey('prioritized')))),
      ...[...asked].map(find),
    ]),
  );
  if (all.length === 1) return places;
  return places.map((place, index) => {
    if (place.kind !== 'waiting') return place;
    const takenFrom = (shard: JobShard) =>
      shard === requests[index]!.shard ? place.ahead : Math.min(place.ahead, lengths[shard.index]!);
    return { ...place, ahead: all.reduce((sum, shard) => sum + takenFrom(shard), 0) };
  });
}

function placeOf(job: FoundJob): PlaceInLine {
  switch (job[0]) {
    case 'waiting':
      return { kind: 'waiting', attemptsMade: Number(job[1]), ahead: job[2] };
    case 'delayed': {
      const [, attemptsMade, score, since, code] = job;
      const retry = since === '' ? undefined : { since, code };
      return {
        kind: 'delayed',
        attemptsMade: Number(attemptsMade),
        dueAt: Math.floor(Number(score) / DELAYED_SCALE),
        retry,
      };
    }
    case 'active':
      return { kind: 'active', attemptsMade: Number(job[1]), startedAt: Number(job[2]) };
    default:
      return { kind: job[0] };
  }
}

export interface JobsSeen {
  /** How many jobs could be taken now. Jobs that wait for a retry are not counted. */
  untaken: number;
  /** How many jobs workers have in hand. */
  inHand: number;
  /** Whether a worker has looked for stalled jobs in the last seconds. */
  workerAlive: boolean;
}

/** Counts all jobs, in one round trip. */
export async function lookAtJobs({ all }: JobShards, redis: Redis): Promise<JobsSeen> {
  const seen = await Promise.all(all.map((shard) => lookAtShard(shard, redis)));
  return {
    untaken: seen.reduce((sum, { untaken }) => sum + untaken, 0),
    inHand: seen.reduce((sum, { inHand }) => sum + inHand, 0),
    workerAlive: seen.some(({ workerAlive }) => workerAlive),
  };
}

async function lookAtShard({ toKey }: JobShard, redis: Redis): Promise<JobsSeen> {
  const [wait, prioritized, active, checked] = (await repliesOf(
    redis
      .pipeline()
      .llen(toKey('wait'))
      .zcard(toKey('prioritized'))
      .llen(toKey('active'))
      // Each check for stalled jobs writes this key. The key expires when the next check is due.
      .exists(toKey('stalled-check')),
  )) as [number, number, number, number];
  return { untaken: wait + prioritized, inHand: active, workerAlive: checked === 1 };
}
