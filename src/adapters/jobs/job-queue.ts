import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { StoreUnavailableError } from '../../contracts/errors.ts';
import { JOBS_PREFIX, JOBS_QUEUE } from '../../contracts/queues.ts';
import { type ChatJobData, type ChatJobResult, jobIdOf } from './chat-job.ts';
import { tagsOf } from './fair-order.ts';
import { addJobsToQueue } from './redis-scripts/add-jobs.ts';

export type ChatQueue = Queue<ChatJobData, ChatJobResult>;

/** What a job must be to `addJobs`. */
export type NewJob = Pick<ChatJobData, 'request' | 'traceparent' | 'receivedAt'>;

/** Nobody reads BullMQ's event stream but as a debugging aid, and its length is memory. */
const EVENTS_KEPT = 1_000;
const STACK_LINES_KEPT = 3;
const FSYNC_TIMEOUT_MS = 10_000;

export function openChatQueue(connection: Redis): ChatQueue {
  const queue: ChatQueue = new Queue(JOBS_QUEUE, {
    connection,
    prefix: JOBS_PREFIX,
    streams: { events: { maxLen: EVENTS_KEPT } },
  });
  // The connection's errors once more, which whoever opened it logs; without a listener BullMQ prints them.
  queue.on('error', () => {});
  return queue;
}

/**
 * Adds the jobs that are not there yet, each at its user's place in line: one round trip. Waits for a Redis that is
 * away.
 * @param redis the connection that the queue was opened with
 * @param options.fsync resolves only when the jobs are on Redis's disk: a second round trip, and a write to disk
 * @returns how many jobs no worker has in hand then
 * @throws StoreUnavailableError they are not on disk in time
 */
export async function addJobs(
  queue: ChatQueue,
  redis: Redis,
  jobs: readonly NewJob[],
  { attempts, fsync }: { attempts: number; fsync: boolean },
): Promise<number> {
  const untaken = await addJobsToQueue(
    redis,
    (type) => queue.toKey(type),
    jobs.map((data) => ({
      id: jobIdOf(data.request.requestId),
      user: data.request.userId,
      tags: tagsOf(data.request.priority),
      data: JSON.stringify(data),
    })),
    {
      name: JOBS_QUEUE,
      options: { attempts, backoff: { type: 'custom' }, stackTraceLimit: STACK_LINES_KEPT },
    },
  );
  if (fsync) await waitForFsync(redis);
  return untaken;
}

/** WAITAOF speaks of the writes of its own connection. */
async function waitForFsync(redis: Redis): Promise<void> {
  const [onDisk] = (await redis.call('WAITAOF', 1, 0, FSYNC_TIMEOUT_MS)) as [number, number];
  if (onDisk < 1) throw new StoreUnavailableError('Redis did not write to its disk in time.');
}

/** Jobs that no worker has in hand and that are not finished, in one round trip: waiting, prioritised and delayed. */
export async function countWaiting(queue: ChatQueue): Promise<number> {
  const { wait, prioritized, delayed } = await queue.getJobCounts('wait', 'prioritized', 'delayed');
  return (wait ?? 0) + (prioritized ?? 0) + (delayed ?? 0);
}

/** Jobs that may be taken now and that no worker has taken: those that wait for a retry are left out. */
export async function countUntaken(queue: ChatQueue): Promise<number> {
  const { wait, prioritized } = await queue.getJobCounts('wait', 'prioritized');
  return (wait ?? 0) + (prioritized ?? 0);
}

/** Has delayed jobs go on at once; those that are not delayed stay as they are. */
export async function promoteJobs(queue: ChatQueue, requestIds: readonly string[]): Promise<void> {
  const backend = queue.getBackend();
  await Promise.all(requestIds.map((requestId) => backend.promote(jobIdOf(requestId)).catch(() => {})));
}

/** Removes what is kept of these requests; a job that a worker has in hand stays until it is done. */
export async function forgetJobs(queue: ChatQueue, requestIds: readonly string[]): Promise<void> {
  // A locked job is left alone; its answer is dropped when it comes.
  await Promise.all(requestIds.map((requestId) => queue.remove(jobIdOf(requestId))));
}

/** Jobs by state, for an operator; undefined while Redis does not answer within the time. */
export async function countJobs(queue: ChatQueue, timeoutMs: number): Promise<Record<string, number> | undefined> {
  const counts = queue.getJobCounts('wait', 'prioritized', 'delayed', 'active', 'completed', 'failed');
  return await Promise.race([counts.catch(() => undefined), sleep(timeoutMs, undefined, { ref: false })]);
}
