import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { jobIdOf } from './chat-job.ts';
import type { ChatQueue } from './job-queue.ts';
import { type FoundJob, findJobs } from './redis-scripts/find-jobs.ts';

/**
 * Where a request's job is:
 * - *waiting*: `ahead` jobs are taken before it.
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

/** Where the jobs of these requests are, in one round trip; times are in ms. @throws StoreUnavailableError */
export async function placesInLine(
  queue: ChatQueue,
  redis: Redis,
  requestIds: readonly string[],
): Promise<PlaceInLine[]> {
  if (requestIds.length === 0) return [];
  const jobIds = requestIds.map(jobIdOf);
  const found = await orStoreUnavailable(findJobs(redis, (type) => queue.toKey(type), jobIds));
  return found.map(placeOf);
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
export async function lookAtJobs(queue: ChatQueue, redis: Redis): Promise<JobsSeen> {
  const [wait, prioritized, active, checked] = (await repliesOf(
    redis
      .pipeline()
      .llen(queue.toKey('wait'))
      .zcard(queue.toKey('prioritized'))
      .llen(queue.toKey('active'))
      // Each check for stalled jobs writes this key. The key expires when the next check is due.
      .exists(queue.toKey('stalled-check')),
  )) as [number, number, number, number];
  return { untaken: wait + prioritized, inHand: active, workerAlive: checked === 1 };
}
