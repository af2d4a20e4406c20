import type { Cluster } from 'ioredis';
import type { Redis, SingleRedis } from './redis.ts';

export const isCluster = (redis: Redis): redis is Cluster => redis.isCluster;

/**
 * The connections to all servers that take writes: one, or in a Redis Cluster one for each of its primaries. Call it when the
 * connection is ready, because a Cluster has none before.
 */
export const everyPrimary = (redis: Redis): SingleRedis[] => (isCluster(redis) ? redis.nodes('master') : [redis]);
