import { type JobShards, openJobShards } from '../../adapters/jobs/job-shards.ts';
import type { MongoDbConnection } from '../../adapters/mongodb/connect-mongodb.ts';
import type { BrokerConnection } from '../../adapters/rabbitmq/connection.ts';
import { createPublisher, type Publisher } from '../../adapters/rabbitmq/publisher.ts';
import { createQueueDepths, type QueueDepths } from '../../adapters/rabbitmq/queue-depths.ts';
import { connectRedis, connectToOneServer, mustAnswer } from '../../adapters/redis/connect-redis.ts';
import { listenWhereHeard } from '../../adapters/redis/listen-where-heard.ts';
import type { Redis, Subscriber } from '../../adapters/redis/redis.ts';
import { createSafeWrites, type SafeWrites } from '../../adapters/redis/safe-writes.ts';
import type { WorkerConfig } from '../../config/settings.ts';
import { createConnectionReports } from '../../observability/connection-reports.ts';
import type { Logger } from '../../observability/log.ts';
import type { WorkerMetrics } from '../../observability/metrics.ts';
import { brokerAddressOf } from '../broker-address.ts';
import { connectToBroker, mustBeConnected } from '../broker-connections.ts';
import { checkDurability } from '../durability.ts';
import { admitToRedis } from '../installation.ts';
import { connectToMongoDb } from '../mongodb.ts';
import { nameMissingRedisRights } from '../redis-rights.ts';

const CACHE_TIMEOUT_MS = 1_000;
/** How long a call of the model waits for the state that workers share. */
const GATE_TIMEOUT_MS = 1_000;
/** How long jobs that are added may wait for the disk and the replicas. Meanwhile their connection is silent. */
const SAFE_TIMEOUT_MS = 10_000;
const SAFE_SILENCE_MS = 12_000;
/** How long a command of MongoDB may take. Work waits for it. */
const MONGODB_TIMEOUT_MS = 5_000;

/** The worker's connections, and what is opened on them. */
export interface WorkerServers {
  /** To RabbitMQ. */
  consuming: BrokerConnection;
  publishing: BrokerConnection;
  publisher: Publisher;
  depths: QueueDepths;
  /** To Redis, for the jobs. */
  redis: Redis;
  /** To the Redis of the answer cache, which may be the same connection. */
  cacheRedis: Redis;
  /** To Redis, for the gates of the model's providers; its commands fail soon. */
  gateRedis: Redis;
  /** To Redis, in subscriber mode. */
  subscriber: Subscriber;
  /** To Redis, for adding jobs that must be on its disk or on replicas. Nothing else may wait behind them. */
  safeWrites: SafeWrites | undefined;
  /** For the keys of users. undefined: they are in Redis. */
  mongoDb: MongoDbConnection | undefined;
  shards: JobShards;
  /**
   * Resolves once we know that this Redis is our installation's. Nothing may be read from it or written to it before.
   */
  admitted: Promise<void>;
  /** For health checks. @throws Error unless the server serves this process */
  brokerMustServe(): Promise<void>;
  redisMustAnswer(): Promise<void>;
  close(): Promise<void>;
}

/** @param options.name the name of this process in the lists of the servers */
export async function connectServers(options: {
  config: WorkerConfig;
  name: string;
  metrics: WorkerMetrics;
  logger: Logger;
}): Promise<WorkerServers> {
  const { config, name, metrics, logger } = options;
  const onUp = createConnectionReports(metrics);
  const { consuming, publishing } = await connectToBroker({
    address: brokerAddressOf(config),
    name,
    process: 'worker',
    logger,
    onUp,
  });
  const optionsFor = (purpose: string, url = config.redisUrl) => ({
    ...{ url, ca: config.redisCaFile, logger, namespace: config.namespace },
    name: purpose === 'redis' ? name : `${name} (${purpose.replace('redis-', '')})`,
    onUp: (up: boolean) => onUp(purpose, up),
  });
  const redis = connectRedis(optionsFor('redis'));
  const safety = { fsync: config.ackAfterFsync, replicas: config.ackAfterReplicas };
  checkDurability({ redis, required: config.requireDurableRedis, safety, logger });
  nameMissingRedisRights({ redis, process: 'worker', logger });
  const admitted = admitToRedis({ ...config, redis, logger });
  // A cache with its own Redis may be away without harm, so its commands fail soon. In the jobs' Redis they wait, as
  // jobs do.
  const cacheRedis = config.cacheRedisUrl
    ? connectRedis({ ...optionsFor('redis-cache', config.cacheRedisUrl), commandTimeoutMs: CACHE_TIMEOUT_MS })
    : redis;
  const subscriber = connectToOneServer(optionsFor('redis-subscribe'));
  listenWhereHeard({ redis, subscriber, logger });
  const gateRedis = connectRedis({ ...optionsFor('redis-breaker'), commandTimeoutMs: GATE_TIMEOUT_MS });
  const safeWrites =
    safety.fsync || safety.replicas
      ? createSafeWrites({
          redis: connectRedis({ ...optionsFor('redis-add'), silentAfterMs: SAFE_SILENCE_MS }),
          ...safety,
          timeoutMs: SAFE_TIMEOUT_MS,
          onSafe: (safe) => onUp('redis-replicas', safe),
          logger,
        })
      : undefined;
  const mongoDb = connectToMongoDb({
    ...{ config: { ...config, storeTimeoutMs: MONGODB_TIMEOUT_MS }, name, logger },
    onUp: (up) => onUp('mongodb', up),
  });
  const shards = openJobShards(redis, config.jobShards);
  const publisher = createPublisher({ connection: publishing, timeoutMs: config.publishTimeoutMs, logger });
  const depths = createQueueDepths({ connection: consuming, logger });

  return {
    ...{
      consuming,
      publishing,
      publisher,
      depths,
      redis,
      cacheRedis,
      gateRedis,
      subscriber,
      safeWrites,
      mongoDb,
      shards,
    },
    admitted,
    brokerMustServe: async () => mustBeConnected({ consuming, publishing, publisher }),
    redisMustAnswer: async () => {
      await admitted;
      await mustAnswer(redis);
    },
    close: async () => {
      await Promise.all([publisher.close(), depths.close()]);
      await Promise.all([consuming.close(), publishing.close(), shards.close()]);
      for (const connection of [redis, safeWrites?.redis, cacheRedis, gateRedis, subscriber]) connection?.disconnect();
      await mongoDb?.close();
    },
  };
}
