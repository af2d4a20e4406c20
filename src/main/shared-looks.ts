import { readFirstOpenTurn } from '../adapters/conversations/open-turns.ts';
import { createIntakeAdmin } from '../adapters/jobs/intake-pause.ts';
import { jobStates } from '../adapters/jobs/job-queue.ts';
import type { JobShards } from '../adapters/jobs/job-shards.ts';
import type { BrokerAddress } from '../adapters/rabbitmq/amqp-client.ts';
import { rabbitMqMembers } from '../adapters/rabbitmq/cluster-members.ts';
import type { QueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import type { Redis } from '../adapters/redis/redis.ts';
import { createSharedLook, holdLook } from '../adapters/redis/shared-look.ts';
import { listLetters } from '../bridge/redrive/look.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from '../contracts/queues.ts';
import {
  BROKER_MEMBERS_SEEN_KEY,
  LETTERS_SEEN_KEY,
  OLDEST_TURN_KEY,
  QUEUES_SEEN_KEY,
} from '../contracts/redis-keys.ts';
import type { ServerMember } from '../contracts/server-members.ts';
import { createLetterDays } from '../observability/letter-days.ts';
import { createLettersLook, type LettersSeen } from '../observability/letters-seen.ts';
import { createQueuesLook, type QueuesSeen } from '../observability/queues-seen.ts';

/**
 * Looks at the queues for the metrics. One process does so for all.
 * @param options.admitted before it resolves, the Redis may be another installation's
 */
export function createSharedQueuesLook(options: {
  redis: Redis;
  shards: JobShards;
  depths: Pick<QueueDepths, 'states'>;
  admitted: Promise<void>;
}): () => Promise<QueuesSeen | undefined> {
  const { redis, shards, depths, admitted } = options;
  const intake = createIntakeAdmin(redis);
  const look = createQueuesLook({
    brokerQueues: depths.states,
    jobs: () => jobStates(shards, redis),
    intakePaused: async () => (await intake.read()).paused,
  });
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

/**
 * Looks at the reasons of the dead letters that stand. One api does so for all; a worker has no right to.
 * @param options.admitted as above
 */
export function createSharedLettersLook(options: {
  redis: Redis;
  depths: Pick<QueueDepths, 'read'>;
  broker: BrokerAddress;
  admitted: Promise<void>;
}): () => Promise<LettersSeen | undefined> {
  const { redis, depths, broker, admitted } = options;
  const workQueues = Object.fromEntries(
    ([REQUESTS_QUEUE, RESPONSES_QUEUE] as const).map((queue) => [deadLetterQueueOf(queue), queue]),
  );
  const look = createLettersLook({
    depths: async () => {
      const all = await depths.read();
      return all && Object.fromEntries(Object.entries(all).filter(([queue]) => queue in workQueues));
    },
    read: async (deadLetterQueue) => {
      // While the letters are read, the queue seems to be empty, and alerts would believe that.
      const since = createLetterDays();
      const { groups } = await holdLook(redis, QUEUES_SEEN_KEY, () =>
        listLetters(broker, workQueues[deadLetterQueue]!, {}, since.add),
      );
      return {
        reasons: Object.fromEntries(groups.map(({ reason, count }) => [reason, count])),
        ...since.read(),
      };
    },
  });
  return onceAdmitted(admitted, createSharedLook<LettersSeen>({ redis, key: LETTERS_SEEN_KEY, look }));
}

/**
 * Looks at the nodes of RabbitMQ's cluster. One api does so for all. undefined: they are not known.
 * @param options.managementUrl undefined: nobody told it
 * @param options.admitted as above
 */
export function createSharedMembersLook(options: {
  redis: Redis;
  managementUrl: string | undefined;
  virtualHost: string;
  admitted: Promise<void>;
}): () => Promise<ServerMember[] | undefined> {
  const { redis, managementUrl, virtualHost, admitted } = options;
  if (managementUrl === undefined) return async () => undefined;
  const look = () => rabbitMqMembers({ url: managementUrl, virtualHost });
  return onceAdmitted(admitted, createSharedLook<ServerMember[]>({ redis, key: BROKER_MEMBERS_SEEN_KEY, look }));
}

function onceAdmitted<T>(admitted: Promise<void>, read: () => Promise<T | undefined>) {
  let isOurs = false;
  void admitted.then(() => {
    isOurs = true;
  });
  return async () => (isOurs ? await read() : undefined);
}
