import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rabbitMqMembers } from '../../src/adapters/rabbitmq/cluster-members.ts';
import { JOBS_PREFIX, WORK_QUEUES } from '../../src/contracts/queues.ts';
import { mongoDbProgram, startMongoDb } from '../../tools/services/mongodb.ts';
import { createNetwork, type Network } from '../../tools/services/network/network.ts';
import { type RabbitMqCluster, startRabbitMqCluster } from '../../tools/services/rabbitmq-cluster.ts';
import { startRedisCluster } from '../../tools/services/redis-cluster.ts';
import { startRedisWithSentinels } from '../../tools/services/redis-sentinel.ts';
import type { Service } from '../../tools/services/service.ts';
import type { Servers, ServerVictim } from './servers.ts';

/** How Redis has replicas. */
export type RedisForm = 'sentinel' | 'redis-cluster';

/** A Redis of several servers, which fails over. */
interface ReplicatedRedis {
  url: string;
  victims: readonly ServerVictim[];
  /** The server that takes writes now; with several, the one of the jobs. */
  primary(): Promise<Service>;
  /** undefined: there are none. */
  nextSentinel?(): Service;
  nameOf(server: Service): string;
  isWhole(): Promise<boolean>;
  kill(): Promise<void>;
}

const LOOK_MS = 500;
/** On a busy machine, a server may be silent for a second or two. */
const DOWN_AFTER_MS = 4_000;
/** As operating.md asks for it: a primary that is cut off from its replicas soon takes no write any more. */
const MIN_REPLICAS = { 'min-replicas-to-write': 1, 'min-replicas-max-lag': 10 };

/**
 * Starts three nodes of RabbitMQ, Redis with replicas, and MongoDB where there is one, with their data in `dir`, in a network that
 * can be cut.
 */
export async function startClusters(
  dir: string,
  options: { redis: RedisForm /** Whether history is in MongoDB, if there is one. */; mongoDb: boolean },
): Promise<Servers> {
  const network = createNetwork();
  const [rabbitMq, redis, mongoDb] = await Promise.all([
    startRabbitMqCluster({ dir: join(dir, 'rabbitmq'), network }),
    options.redis === 'sentinel' ? startWithSentinels(dir, network) : startAsCluster(dir, network),
    options.mongoDb ? startMongoDbIfAny(join(dir, 'mongodb')) : undefined,
  ]);
  let leadersKilled = 0;
  /** The leader of each work queue in turn. */
  const nextLeader = () => leaderOf(rabbitMq, WORK_QUEUES[leadersKilled++ % WORK_QUEUES.length]!);
  const find: Record<ServerVictim, () => Promise<Pick<Service, 'kill' | 'start'>>> = {
    rabbitmq: async () => rabbitMq.nodeNamed(await nextLeader()),
    redis: redis.primary,
    sentinel: async () => redis.nextSentinel!(),
    mongodb: async () => mongoDb!,
  };
  return {
    settings: {
      RABBITMQ_URL: rabbitMq.url,
      REDIS_URL: redis.url,
      ACK_AFTER_REPLICAS: '1',
      ...(mongoDb && { MONGODB_URL: `${mongoDb.url}/healify` }),
    },
    redisUrl: redis.url,
    rabbitMqUrl: rabbitMq.url,
    apis: 2,
    workers: 3,
    behindProxy: true,
    oneFaultAtATime: true,
    victims: ['rabbitmq', ...redis.victims, ...(mongoDb ? (['mongodb'] as const) : [])],
    serverOf: (victim) => find[victim](),
    cutOff: async (victim, from) => {
      const server = victim === 'rabbitmq' ? (await nextLeader()).split('@')[0]! : redis.nameOf(await redis.primary());
      await network.cutOff(server, from);
      return network.heal;
    },
    areWhole: async () => {
      const members = await membersOf(rabbitMq).catch(() => []);
      return (
        members.length === rabbitMq.nodes.length &&
        members.every(({ state, detail }) => state === 'up' && detail === null) &&
        (await redis.isWhole())
      );
    },
    stop: async () => {
      await Promise.all([rabbitMq.kill(), redis.kill(), mongoDb?.kill()]);
      await network.close();
    },
  };
}

async function startWithSentinels(dir: string, network: Network): Promise<ReplicatedRedis> {
  const all = await startRedisWithSentinels({
    dir: join(dir, 'redis'),
    appendfsync: 'always',
    network,
    serverSettings: MIN_REPLICAS,
    downAfterMs: DOWN_AFTER_MS,
  });
  let sentinelsKilled = 0;
  return {
    ...all,
    victims: ['redis', 'sentinel'],
    nextSentinel: () => all.sentinels[sentinelsKilled++ % all.sentinels.length]!,
    nameOf: (server) => `server-${all.servers.indexOf(server) + 1}`,
  };
}

async function startAsCluster(dir: string, network: Network): Promise<ReplicatedRedis> {
  const all = await startRedisCluster({ dir: join(dir, 'redis'), appendfsync: 'always', network });
  return {
    ...all,
    victims: ['redis'],
    primary: () => all.primaryOf(JOBS_PREFIX),
    nameOf: (server) => `node-${all.nodes.indexOf(server) + 1}`,
  };
}

async function startMongoDbIfAny(dir: string): Promise<Service | undefined> {
  try {
    return await startMongoDb({ program: mongoDbProgram(), dir });
  } catch (error) {
    console.log(`without MongoDB: ${(error as Error).message}`);
    return undefined;
  }
}

/** The members as the first node sees them that can say. */
async function membersOf(cluster: RabbitMqCluster) {
  const looks = cluster.nodes.map(({ managementUrl: url }) => rabbitMqMembers({ url, virtualHost: '/' }));
  return await Promise.any(looks);
}

/** Waits until the management API knows a leader: it is slow on a busy machine, and after a fault. */
async function leaderOf(cluster: RabbitMqCluster, queue: string): Promise<string> {
  for (;;) {
    const members = await membersOf(cluster).catch(() => []);
    const leader = members.find(({ role }) => role?.includes(queue));
    if (leader) return leader.name;
    await sleep(LOOK_MS);
  }
}
