import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { programs } from '../../tools/services/programs.ts';
import { type RedisCluster, startRedisCluster } from '../../tools/services/redis-cluster.ts';
import { type RedisWithSentinels, startRedisWithSentinels } from '../../tools/services/redis-sentinel.ts';

/** Why tests with a Redis Cluster or Sentinels are left out; undefined: they can run. */
export const withoutRedisServers: string | undefined = programs().redisServer
  ? undefined
  : 'Redis is not installed on this machine';

/** A Redis Cluster, with its data in the run's folder. The test kills it. */
export const testRedisCluster = async (
  options: Omit<Parameters<typeof startRedisCluster>[0], 'dir'> = {},
): Promise<RedisCluster> =>
  await startRedisCluster({ ...options, dir: mkdtempSync(join(process.env.TEST_RUN_FOLDER!, 'redis-cluster-')) });

/** A primary, two replicas and three Sentinels, with their data in the run's folder. The test kills them. */
export const testRedisWithSentinels = async (
  options: Omit<Parameters<typeof startRedisWithSentinels>[0], 'dir'> = {},
): Promise<RedisWithSentinels> =>
  await startRedisWithSentinels({
    ...options,
    dir: mkdtempSync(join(process.env.TEST_RUN_FOLDER!, 'redis-sentinel-')),
  });
