import type { Redis } from 'ioredis';
import { repliesOf } from '../redis/connect-redis.ts';
import { jobIdOf } from './chat-job.ts';
import type { ChatQueue } from './job-queue.ts';

/** Where a request's job is: before a worker has it `ahead` jobs are taken; or it comes back after a while. */
export type PlaceInLine = { kind: 'waiting'; ahead: number } | { kind: 'delayed'; leftMs: number } | { kind: 'active' };

/** BullMQ keeps the time of a delayed job in the bits above twelve that count jobs of the same ms. */
const DELAYED_SCALE = 0x1000;

/** One round trip; undefined where there is no job, because RabbitMQ still has the request. */
export async function placeInLine(queue: ChatQueue, redis: Redis, requestId: string): Promise<PlaceInLine | undefined> {
  const jobId = jobIdOf(requestId);
  const [rank, score, exists] = (await repliesOf(
    redis
      .pipeline()
      .zrank(queue.toKey('prioritized'), jobId)
      .zscore(queue.toKey('delayed'), jobId)
      .exists(queue.toKey(jobId)),
  )) as [number | null, string | null, number];
  if (rank !== null) return { kind: 'waiting', ahead: rank };
  if (score !== null) return { kind: 'delayed', leftMs: Math.max(0, Number(score) / DELAYED_SCALE - Date.now()) };
  return exists === 1 ? { kind: 'active' } : undefined;
}
