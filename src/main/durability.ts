import { durabilityProblems, supportsWaitAof } from '../adapters/redis/durability.ts';
import type { Redis } from '../adapters/redis/redis.ts';
import type { Safety } from '../adapters/redis/safe-writes.ts';
import type { Logger } from '../observability/log.ts';

/**
 * Checks at the first connection whether Redis keeps what it confirms. If Redis may lose something, the process logs a
 * warning, or ends if the settings require durability.
 */
export function checkDurability(options: {
  redis: Redis;
  /** Whether to end the process if Redis may lose jobs. */
  required: boolean;
  /** Where writes must be before they are confirmed. The server must be able to tell. */
  safety: Safety;
  logger: Logger;
}): void {
  const { redis, required, safety, logger } = options;
  const check = async () => {
    if (safety.fsync && !(await supportsWaitAof(redis))) {
      logger.fatal('ACK_AFTER_FSYNC needs Redis 7.2 or newer, or Valkey: unset it, or use another server');
      process.exit(1);
    }
    const problems = await durabilityProblems(redis);
    if (problems.length === 0) return;
    if (required) {
      logger.fatal({ problems }, 'Redis may lose jobs and sessions, and REQUIRE_DURABLE_REDIS is set');
      process.exit(1);
    }
    logger.warn({ problems }, 'REDIS MAY LOSE JOBS AND SESSIONS: see problems, or set REQUIRE_DURABLE_REDIS to refuse');
  };
  redis.once('ready', () => {
    check().catch((error) => logger.warn({ err: error }, 'could not check whether Redis is durable'));
  });
}
