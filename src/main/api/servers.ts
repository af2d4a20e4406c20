import { type JobShards, openJobShards } from '../../adapters/jobs/job-shards.ts';
import type { MongoDbConnection } from '../../adapters/mongodb/connect-mongodb.ts';
import type { BrokerConnection } from '../../adapters/rabbitmq/connection.ts';
import { createPublisher, type Publisher } from '../../adapters/rabbitmq/publisher.ts';
import { createQueueDepths, type QueueDepths } from '../../adapters/rabbitmq/queue-depths.ts';
import { connectRedis, connectToOneServer } from '../../adapters/redis/connect-redis.ts';
import { listenWhereHeard } from '../../adapters/redis/listen-where-heard.ts';
import type { Redis, Subscriber } from '../../adapters/redis/redis.ts';
import { createSafeWrites, type SafeWrites } from '../../adapters/redis/safe-writes.ts';
import type { ApiConfig } from '../../config/settings.ts';
import { createConnectionReports } from '../../observability/connection-reports.ts';
import type { Logger } from '../../observability/log.ts';
import type { ApiMetrics } from '../../observability/metrics.ts';
import { brokerAddressOf } from '../broker-address.ts';
import { connectToBroker, mustBeConnected } from '../broker-connections.ts';
import { checkDurability } from '../durability.ts';
import { admitToRedis } from '../installation.ts';
import { connectToMongoDb, prepareMongoDb } from '../mongodb.ts';
import { nameMissingRedisRights } from '../redis-rights.ts';

/** A write may wait so long for replicas, if callers wait long enough. */
const MOST_SAFE_MS = 2_000;

/** The api's connections, and what is opened on them. */
export interface ApiServers {
  /** To RabbitMQ. */
  consuming: BrokerConnection;
  publisher: Publisher;
  depths: QueueDepths;
  /** To Redis, for everything but the next three. */
  redis: Redis;
  /** To Redis, for what must be on replicas. undefined: nothing must. */
  safeWrites: SafeWrites | undefined;
  /** To Redis, in subscriber mode. */
  subscriber: Subscriber;
  /** To the Redis of the answer cache, which may be the same. */
  cacheRedis: Redis;
  /** undefined: what lasts is kept in Redis. */
  mongoDb: MongoDbConnection | undefined;
  shards: JobShards;
  /**
   * Resolves once we know that this Redis is our installation's, and MongoDB has its indexes. Nothing may be read from them
   * or written to them before.
   */
  admitted: Promise<void>;
  /** For a health check. @throws Error unless messages can be consumed from RabbitMQ and published to it now */
  brokerMustServe: () => Promise<void>;
  close(): Promise<void>;
}

/** @param options.name the name of this process in the lists of the servers */
export async function connectServers(options: {
  config: ApiConfig;
  name: string;
  metrics: ApiMetrics;
  logger: Logger;
}): Promise<ApiServers> {
  const { config, name, metrics, logger } = options;
  const onUp = createConnectionReports(metrics);
  const { consuming, publishing } = await connectToBroker({
    address: brokerAddressOf(config),
    name,
    process: 'api',
    logger,
    onUp,
  });
  const optionsFor = (url: string, purpose: string, server: string) => ({
    ...{ url, ca: config.redisCaFile, logger, namespace: config.namespace, commandTimeoutMs: config.storeTimeoutMs },
    name: `${name} (${purpose})`,
    onUp: (up: boolean) => onUp(server, up),
  });
  const redis = connectRedis(optionsFor(config.redisUrl, 'store', 'redis'));
  const safety = { fsync: false, replicas: config.ackAfterReplicas };
  const safeWrites = config.ackAfterReplicas
    ? createSafeWrites({
        redis: connectRedis(optionsFor(config.redisUrl, 'safe', 'redis-safe')),
        ...safety,
        // A command may come while another one waits.
        timeoutMs: Math.min(MOST_SAFE_MS, Math.ceil(config.storeTimeoutMs / 2)),
        onSafe: (safe) => onUp('redis-replicas', safe),
        logger,
      })
    : undefined;
  const subscriber = connectToOneServer(optionsFor(config.redisUrl, 'subscribe', 'redis-subscribe'));
  listenWhereHeard({ redis, subscriber, logger });
  const cacheRedis = config.cacheRedisUrl
    ? connectRedis(optionsFor(config.cacheRedisUrl, 'cache', 'redis-cache'))
    : redis;
  checkDurability({ redis, required: config.requireDurableRedis, safety, logger });
  nameMissingRedisRights({ redis, process: 'api', logger });
  const mongoDb = connectToMongoDb({
    ...{ config, name, logger },
    onUp: (up) => onUp('mongodb', up),
    onCommand: (command, ms, result) => metrics.mongoDbCommands.observe({ command, result }, ms / 1000),
  });
  const admitted = Promise.all([
    admitToRedis({ ...config, redis, logger }),
    mongoDb && prepareMongoDb(mongoDb.db, logger),
  ]).then(() => {});
  const shards = openJobShards(redis, config.jobShards);
  const publisher = createPublisher({ connection: publishing, timeoutMs: config.publishTimeoutMs, logger });
  const depths = createQueueDepths({ connection: consuming, logger });

  return {
    ...{ consuming, publisher, depths, redis, safeWrites, subscriber, cacheRedis, mongoDb, shards, admitted },
    brokerMustServe: async () => mustBeConnected({ consuming, publishing, publisher }),
    close: async () => {
      await Promise.all([publisher.close(), depths.close()]);
      await Promise.all([consuming.close(), publishing.close(), shards.close()]);
      for (const connection of [redis, safeWrites?.redis, subscriber, cacheRedis]) connection?.disconnect();
      await mongoDb?.close();
    },
  };
}
