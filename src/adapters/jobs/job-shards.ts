import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Queue } from 'bullmq';
import { JOBS_PREFIX, JOBS_QUEUE, jobsPrefixOf } from '../../contracts/queues.ts';
import type { Redis } from '../redis/redis.ts';
import type { ChatJobData, ChatJobResult } from './chat-job.ts';
import type { ToKey } from './redis-scripts/bullmq-layout.ts';

export type ChatQueue = Queue<ChatJobData, ChatJobResult>;

/**
 * A queue with a part of the jobs: all jobs of some users. Its keys share a slot of a Redis Cluster, so each script works on
 * one shard.
 */
export interface JobShard {
  /** Counts from 0. */
  readonly index: number;
  /** As operators see it: `chat`, or `chat-0` and so on if there are several. */
  readonly name: string;
  readonly prefix: string;
  readonly queue: ChatQueue;
  readonly toKey: ToKey;
}

/** The queues over which the jobs are spread: as many as `JOB_SHARDS` says. */
export interface JobShards {
  readonly all: readonly JobShard[];
  /** The shard of all jobs of a user, so that the user's turn, positions and cancellations are in one place. */
  of(userId: string): JobShard;
  /** The shard that knows which shard has the id of a request, whosever it is: see `claimRequestIds`. */
  homeOf(requestId: string): JobShard;
  /** Makes an id for a request of a user, a random UUID whose home is the user's shard. So nobody has to claim it. */
  newRequestId(userId: string): string;
  close(): Promise<void>;
}

/** BullMQ's event stream is read only when somebody debugs, and it takes memory. */
const EVENTS_KEPT = 1_000;

/** @param connection for the queues, and for what is done with them */
export function openJobShards(connection: Redis, count: number): JobShards {
  const all = Array.from({ length: count }, (_, index) => openShard(connection, index, count));
  return {
    all,
    of: (userId) => all[shardOf(userId, count)]!,
    homeOf: (requestId) => all[shardOf(requestId, count)]!,
    newRequestId: (userId) => newRequestId(userId, count),
    close: async () => {
      await Promise.all(all.map(({ queue }) => queue.close()));
    },
  };
}

/**
 * The index of the shard for an id, such as a user's: CRC-32 (IEEE) of the id in UTF-8, modulo the count. It must never change,
 * or the jobs of an installation would not be found.
 */
export const shardOf = (id: string, count: number): number => (count === 1 ? 0 : crc32(id) % count);

/** As many ids as there are shards are made on average until one has its home in the user's shard. A microsecond makes several. */
export function newRequestId(userId: string, count: number): string {
  const shard = shardOf(userId, count);
  for (;;) {
    const requestId = randomUUID();
    if (shardOf(requestId, count) === shard) return requestId;
  }
}

function openShard(connection: Redis, index: number, count: number): JobShard {
  const name = count === 1 ? JOBS_QUEUE : `${JOBS_QUEUE}-${index}`;
  const prefix = jobsPrefixOf(index, count);
  const queue = openChatQueue(connection, prefix);
  return { index, name, prefix, queue, toKey: (type) => queue.toKey(type) };
}

/** @param prefix of the shard. Left out: there is only one */
export function openChatQueue(connection: Redis, prefix: string = JOBS_PREFIX): ChatQueue {
  const queue: ChatQueue = new Queue(JOBS_QUEUE, {
    connection,
    prefix,
    streams: { events: { maxLen: EVENTS_KEPT } },
    // BullMQ asks for the version only once. If the connection were lost meanwhile, the queue would never work.
    skipVersionCheck: true,
  });
  // These are the connection's errors, which its owner logs already. Without a listener BullMQ would print them.
  queue.on('error', () => {});
  return queue;
}
