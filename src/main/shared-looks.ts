import type { Redis } from 'ioredis';
import { readFirstOpenTurn } from '../adapters/conversations/open-turns.ts';
import { type ChatQueue, jobStates } from '../adapters/jobs/job-queue.ts';
import type { QueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import { createSharedLook } from '../adapters/redis/shared-look.ts';
import { OLDEST_TURN_KEY, QUEUES_SEEN_KEY } from '../contracts/redis-keys.ts';
import { createQueuesLook, type QueuesSeen } from '../observability/queues-seen.ts';

/**
 * Looks at the queues for the metrics. One process does so for all.
 * @param options.admitted before it resolves, the Redis may be another installation's
 */
export function createSharedQueuesLook(options: {
  redis: Redis;
  queue: ChatQueue;
  depths: Pick<QueueDepths, 'states'>;
  admitted: Promise<void>;
}): () => Promise<QueuesSeen | undefined> {
  const { redis, queue, depths, admitted } = options;
  const look = createQueuesLook({ brokerQueues: depths.states, jobs: () => jobStates(queue, redis) });
  return onceAdmitted(admitted, createSharedLook<QueuesSeen>({ redis, key: QUEUES_SEEN_KEY, look }));
}

/**
 * Looks how old the open question is that must end first, in ms; 0 if none is open. One api does so for all.
 * @param options.admitted as above
 */
export function createSharedOldestTurnLook(options: {
  redis: Redis;
  admitted: Promise<void>;
}): () => Promise<number | undefined> {
  const { redis, admitted } = options;
  const look = async () => {
    const askedAt = await readFirstOpenTurn(redis);
    return askedAt === undefined ? 0 : Math.max(0, Date.now() - askedAt);
  };
  return onceAdmitted(admitted, createSharedLook<number>({ redis, key: OLDEST_TURN_KEY, look }));
}

function onceAdmitted<T>(admitted: Promise<void>, read: () => Promise<T | undefined>) {
  let isOurs = false;
  void admitted.then(() => {
    isOurs = true;
  });
  return async () => (isOurs ? await read() : undefined);
}
