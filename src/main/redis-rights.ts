import { missingRights } from '../adapters/redis/missing-rights.ts';
import { everyPrimary } from '../adapters/redis/nodes.ts';
import type { Redis } from '../adapters/redis/redis.ts';
import { inShell, type RedisProcess, redisRights } from '../contracts/redis-rights.ts';
import type { Logger } from '../observability/log.ts';

/**
 * At the first connection, logs each right that the Redis user of this process lacks, and the command that grants them.
 */
export function nameMissingRedisRights(options: { redis: Redis; process: RedisProcess; logger: Logger }): void {
  const { redis, process, logger } = options;
  const name = async () => {
    const missing = await missingRights(redis, redisRights[process]);
    if (missing.length === 0) return;
    const user = everyPrimary(redis)[0]?.options.username || 'default';
    const rules = missing.map(inShell).join(' ');
    logger.error(
      { missing },
      `the Redis user ${user} lacks rights; grant them with: redis-cli ACL SETUSER ${user} ${rules}`,
    );
  };
  redis.once('ready', () => {
    name().catch((error) => logger.debug({ err: error }, 'could not read the rights of the Redis user'));
  });
}
