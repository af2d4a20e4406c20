import { JOBS_QUEUE } from '../../contracts/queues.ts';
import { plainSeals, type Seals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { type ChatJobData, jobIdOf } from './chat-job.ts';
import { tagsOf } from './fair-order.ts';
import type { JobShard, JobShards } from './job-shards.ts';
import { addJobs as addJobsToQueue } from './redis-scripts/add-jobs.ts';
import { finishedDigest } from './redis-scripts/finished-requests.ts';
import { type ForgetOptions, forgetJobs as forgetSomeJobs } from './redis-scripts/forget-jobs.ts';
import { type JobState, type JobStates, lookAtStates } from './redis-scripts/look-at-states.ts';
import { returnJobs as returnJobsToLine } from './redis-scripts/return-jobs.ts';
import type { TakenJob } from './redis-scripts/taken-job.ts';
import { sealJobData } from './sealed-job.ts';

/** What most functions need of a shard. */
type Shard = Pick<JobShard, 'toKey'>;

/** The fields of a job that `addJobs` needs. */
export type NewJob = Pick<ChatJobData, 'request' | 'traceparent' | 'tracestate' | 'receivedAt'>;

/** How many failures of a job an operator can see. */
export const STACK_LINES_KEPT = 3;
/** How many jobs one script adds at most. Redis does nothing else while a script runs. */
const MAX_BATCH = 1_000;
/** How many jobs one script puts back in line. Each costs several commands. */
const MAX_RETURNED = 200;

/**
 * Adds those jobs to their shard that do not exist yet, each at its user's place in line. One round trip for a thousand jobs.
 * Waits while Redis is away.
 * @param redis the connection to add them on
 * @param options.room how many jobs the caller can begin to work on at once. The caller gets none if other jobs wait,
 * or if there are more jobs than room
 * @param options.seals with the keys of the jobs' users. Left out: texts stay as they are
 * @returns `untaken`: how many jobs of the shard no worker has in hand now; `started`: the jobs that the caller must work on, each
 * with its index in `jobs`; `refused`: the indexes of the jobs of erased users, which were not added
 */
export async function addJobs(
  { toKey }: Shard,
  redis: Redis,
  jobs: readonly NewJob[],
  { attempts, room = 0, seals = plainSeals }: { attempts: number; room?: number; seals?: Seals },
): Promise<{ untaken: number; started: (TakenJob & { place: number })[]; refused: number[] }> {
  const options = { attempts, backoff: { type: 'custom' }, stackTraceLimit: STACK_LINES_KEPT };
  const startedOptions = JSON.stringify(options);
  let untaken = 0;
  const started: (TakenJob & { place: number })[] = [];
  const refused: number[] = [];
  for (let first = 0; first < jobs.length; first += MAX_BATCH) {
    const batch = jobs.slice(first, first + MAX_BATCH).map((data) => {
      const id = jobIdOf(data.request.requestId);
      return {
        id,
        user: data.request.userId,
        tags: tagsOf(data.request.priority),
        digest: finishedDigest(id),
        data: sealJobData(seals, data),
        parsedData: data,
      };
    });
    const settings = { name: JOBS_QUEUE, options, room: jobs.length <= MAX_BATCH ? room : 0 };
    const added = await addJobsToQueue(redis, toKey, batch, settings);
    untaken = added.untaken;
    refused.push(...added.refused.map((place) => first + place));
    for (const { place, cancelled } of added.started) {
      const { id, digest, data, parsedData } = batch[place]!;
      started.push({
        place: first + place,
        jobId: id,
        digest,
        data,
        parsedData,
        seals,
        options: startedOptions,
        cancelled,
        attemptsMade: 0,
        attemptsStarted: 1,
        crashes: 0,
        progress: '',
      });
    }
  }
  return { untaken, started, refused };
}

/** Counts the jobs that are not finished and that no worker has in hand (waiting, prioritised, delayed). One round trip. */
export async function countWaiting({ all }: Pick<JobShards, 'all'>): Promise<number> {
  const counts = await Promise.all(all.map(({ queue }) => queue.getJobCounts('wait', 'prioritized', 'delayed')));
  return counts.flatMap((count) => Object.values(count)).reduce((sum, count) => sum + count, 0);
}

/**
 * Puts delayed or failed jobs of a shard in line at once, each at the front of its user's turn. Jobs in other states stay as
 * they are. One round trip for 200 jobs.
 * @param redis the connection that the shards were opened with
 * @returns how many of the jobs were in the state `from`
 */
export async function returnJobs(
  { toKey }: Shard,
  redis: Redis,
  from: 'delayed' | 'failed',
  jobIds: readonly string[],
): Promise<number> {
  let returned = 0;
  for (let first = 0; first < jobIds.length; first += MAX_RETURNED) {
    returned += await returnJobsToLine(redis, toKey, from, jobIds.slice(first, first + MAX_RETURNED));
  }
  return returned;
}

/** Puts the delayed jobs of these requests in line at once, whosever they are: see `returnJobs`. */
export async function promoteJobs({ all }: JobShards, redis: Redis, requestIds: readonly string[]): Promise<void> {
  const jobIds = requestIds.map(jobIdOf);
  await Promise.all(all.map((shard) => returnJobs(shard, redis, 'delayed', jobIds)));
}

/** Puts all delayed jobs of a shard in line at once: see `returnJobs`. */
export async function promoteAllJobs(shard: Shard, redis: Redis): Promise<void> {
  const delayed = shard.toKey('delayed');
  // There may be very many, so each look takes some. A job that a worker delays again meanwhile comes last, and stays.
  for (let left = await redis.zcard(delayed); left > 0; left -= MAX_RETURNED) {
    const some = await redis.zrange(delayed, '0', String(Math.min(left, MAX_RETURNED) - 1));
    await returnJobs(shard, redis, 'delayed', some);
  }
}

/**
 * Removes the jobs of these requests, which are in one shard, except jobs that a worker has in hand. A digest of each request
 * stays, so that a duplicate of its message is recognised. One round trip for a thousand requests.
 * @param redis the connection that the shards were opened with
 * @param options.rememberMs how long a duplicate is recognised
 * @param options.userId others' jobs with such an id stay; left out: none does
 * @returns the ids of the jobs that a worker has in hand
 * @throws StoreUnavailableError
 */
export async function forgetJobs(
  { toKey }: Shard,
  redis: Redis,
  requestIds: readonly string[],
  options: ForgetOptions,
): Promise<string[]> {
  const jobIds = requestIds.map(jobIdOf);
  const inHand: string[] = [];
  for (let first = 0; first < jobIds.length; first += MAX_BATCH) {
    const some = jobIds.slice(first, first + MAX_BATCH);
    inHand.push(...(await orStoreUnavailable(forgetSomeJobs(redis, toKey, some, options))));
  }
  return inHand;
}

/** Counts those of these requests that have a job in the shard. One round trip. @throws StoreUnavailableError */
export async function countJobs({ toKey }: Shard, redis: Redis, requestIds: readonly string[]): Promise<number> {
  const found = requestIds.map((requestId) => redis.exists(toKey(jobIdOf(requestId))));
  return (await orStoreUnavailable(Promise.all(found))).reduce((sum, is) => sum + is, 0);
}

/**
 * Counts the jobs of all shards by state, for an operator, and tells how old the first of each is, and which queues somebody has
 * paused. One round trip.
 * @returns `pauses`: by the name of each queue
 */
export async function jobStates(
  { all }: JobShards,
  redis: Redis,
): Promise<{ pauses: Record<string, boolean>; states: JobStates['states'] }> {
  const seen = await Promise.all(all.map(({ toKey }) => lookAtStates(redis, toKey)));
  return {
    pauses: Object.fromEntries(all.map(({ name }, index) => [name, seen[index]!.paused])),
    states: seen.map(({ states }) => states).reduce(sumOfStates),
  };
}

const sumOfStates = (sum: JobStates['states'], states: JobStates['states']) =>
  Object.fromEntries(
    Object.entries(states).map(([state, { count, ageMs }]) => {
      const before = sum[state as JobState];
      const oldest = Math.max(before.ageMs ?? -1, ageMs ?? -1);
      return [state, { count: before.count + count, ageMs: oldest < 0 ? undefined : oldest }];
    }),
  ) as JobStates['states'];
