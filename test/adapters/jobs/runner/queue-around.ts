import { Redis } from 'ioredis';
import { openJobShards } from '../../../../src/adapters/jobs/job-shards.ts';
import { testRedisUrl } from '../../../services.ts';
import { until } from '../../../until.ts';

/**
 * Jobs of the test's own, and a connection to their Redis. `queue` and `toKey` are those of the first shard.
 * @param redisUrl an empty database; left out: a new one
 * @param count of shards
 */
export async function openQueue(redisUrl?: string, count = 1) {
  const redis = new Redis(redisUrl ?? (await testRedisUrl()), { maxRetriesPerRequest: null });
  const shards = openJobShards(redis, count);
  await Promise.all(shards.all.map((shard) => shard.queue.waitUntilReady()));
  const { queue, toKey } = shards.all[0]!;
  /** So many processes have found no job, and wait for the sign of one. */
  const processesWait = (count: number) =>
    until('they wait for the sign of a job', async () => {
      const clients = String(await redis.client('LIST')).split('\n');
      const own = clients.filter((line) => line.includes(` db=${redis.options.db} `));
      return own.filter((line) => line.includes(' cmd=bzpopmin ')).length === count;
    });
  return {
    redis,
    shards,
    queue,
    toKey,
    processesWait,
    close: async () => {
      await shards.close();
      redis.disconnect();
    },
  };
}
