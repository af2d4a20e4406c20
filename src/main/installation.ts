import { setTimeout as sleep } from 'node:timers/promises';
import { claimRedis, type Installation, isClusterNode, isMoved } from '../adapters/redis/installation.ts';
import { isCluster } from '../adapters/redis/nodes.ts';
import type { Redis } from '../adapters/redis/redis.ts';
import { brokerUrls } from '../contracts/broker-urls.ts';
import { INSTALLATION_KEY } from '../contracts/redis-keys.ts';
import type { Logger } from '../observability/log.ts';

const RETRY_MS = 1_000;

/**
 * Makes sure at the first connection that a process works on the Redis of its own installation. On another
 * installation's Redis it would take that installation's jobs and publish their answers in the wrong place. A Redis
 * without an owner becomes ours. If another installation owns it, its jobs are spread over another number of queues, or
 * REDIS_URL names a node of a Redis Cluster as if it were one server, the process logs what to do, and ends.
 * @returns resolves once we know that the Redis is ours; nothing may be read from it or written to it before
 */
export async function admitToRedis(options: {
  redis: Redis;
  namespace: string;
  rabbitmqUrl: string;
  jobShards: number;
  logger: Logger;
}): Promise<void> {
  const { redis, namespace, rabbitmqUrl, jobShards, logger } = options;
  const ours: Installation = { namespace, virtualHost: virtualHostOf(rabbitmqUrl), jobShards };
  for (;;) {
    await isReady(redis);
    try {
      if (!isCluster(redis) && (await isClusterNode(redis))) refuse(logger, IS_CLUSTER);
      const owner = await claimRedis(redis, ours);
      if (owner.namespace !== namespace || owner.virtualHost !== ours.virtualHost)
        refuse(logger, belongsToAnother(ours, owner));
      if (owner.jobShards !== jobShards) refuse(logger, spreadOtherwise(jobShards, owner.jobShards));
      return;
    } catch (error) {
      const { cause } = error as Error;
      if (!isCluster(redis) && isMoved(cause)) refuse(logger, IS_CLUSTER);
      logger.warn({ err: error }, 'could not read which installation owns this Redis; trying again');
      await sleep(RETRY_MS);
    }
  }
}

/** Returns the virtual host, read from the URL as amqplib does. The addresses of several nodes have the same. */
export function virtualHostOf(rabbitmqUrl: string): string {
  const { pathname } = new URL(brokerUrls(rabbitmqUrl)[0]!);
  return pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/';
}

const IS_CLUSTER =
  'REDIS_URL leads to a node of a Redis Cluster: write it as redis+cluster://user:password@host1:6379,host2:6379 (rediss+cluster:// for TLS)';

const describe = ({ namespace, virtualHost }: Installation) =>
  `the installation ${JSON.stringify(namespace)} with RabbitMQ's virtual host ${JSON.stringify(virtualHost)}`;

const belongsToAnother = (ours: Installation, owner: Installation) =>
  `this Redis belongs to ${describe(owner)}, and this process to ${describe(ours)}: give each installation a NAMESPACE ` +
  `and a Redis (or a database) of its own. To hand this Redis over, stop the other and delete the key: DEL ${INSTALLATION_KEY}`;

const spreadOtherwise = (ours: number, theirs: number) =>
  `the jobs in this Redis are spread over ${theirs} queues, and JOB_SHARDS of this process is ${ours}: give all processes ` +
  `JOB_SHARDS=${theirs}. To change the number, see "Several queues of jobs" in docs/operating.md`;

function refuse(logger: Logger, why: string): never {
  logger.fatal(why);
  process.exit(1);
}

const isReady = (redis: Redis) =>
  new Promise<void>((resolve) => {
    if (redis.status === 'ready') resolve();
    else redis.once('ready', () => resolve());
  });
