import { join } from 'node:path';
import { startRabbitMq } from '../../tools/services/rabbitmq.ts';
import { startRedis } from '../../tools/services/redis.ts';
import type { Servers } from './servers.ts';

/** Starts one Redis and one RabbitMQ, with their data in `dir`. */
export async function startSingleServers(dir: string): Promise<Servers> {
  const [redis, rabbitmq] = await Promise.all([
    // What Redis confirms is on disk. Otherwise a loss of Redis would look like a loss of ours.
    startRedis({ dir: join(dir, 'redis'), appendfsync: 'always' }),
    startRabbitMq({ dir: join(dir, 'rabbitmq') }),
  ]);
  return {
    settings: { REDIS_URL: redis.url, RABBITMQ_URL: rabbitmq.url },
    redisUrl: redis.url,
    rabbitMqUrl: rabbitmq.url,
    apis: 2,
    workers: 2,
    behindProxy: false,
    oneFaultAtATime: false,
    victims: ['redis', 'rabbitmq'],
    serverOf: async (victim) => (victim === 'redis' ? redis : rabbitmq),
    areWhole: async () => true,
    stop: async () => void (await Promise.all([redis.stop(), rabbitmq.stop()])),
  };
}
