import { connectRedis } from '../../adapters/redis/connect-redis.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { rabbitMqAndRedis } from '../../config/settings/rabbitmq-and-redis.ts';
import { createLogger } from '../../observability/log.ts';
import { readSetting } from './read-setting.ts';

const TIMEOUT_MS = 5_000;

/**
 * Runs a part of a command with a connection to the Redis of the settings.
 * @param name the name of this process in Redis's list of clients
 * @throws UsageError a setting is missing, or wrong
 */
export async function withRedis(name: string, use: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = connectRedis({
    url: readSetting(rabbitMqAndRedis.redisUrl),
    ca: readSetting(rabbitMqAndRedis.redisCaFile),
    // What the command publishes reaches the processes of this installation.
    namespace: readSetting(rabbitMqAndRedis.namespace),
    name,
    logger: createLogger('api', 'silent'),
    commandTimeoutMs: TIMEOUT_MS,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve);
      setTimeout(() => reject(new Error('Redis cannot be reached at REDIS_URL')), TIMEOUT_MS).unref();
    });
    await use(redis);
  } finally {
    redis.disconnect();
  }
}
