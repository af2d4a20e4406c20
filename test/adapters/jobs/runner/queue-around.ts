import { Redis } from 'ioredis';
import { type ChatQueue, openChatQueue } from '../../../../src/adapters/jobs/job-queue.ts';
import { testRedisUrl } from '../../../services.ts';
import { until } from '../../../until.ts';

/** A queue of the test's own, and a connection to its Redis. @param redisUrl an empty database; left out: a new one */
export async function openQueue(redisUrl?: string) {
  const redis = new Redis(redisUrl ?? (await testRedisUrl()), { maxRetriesPerRequest: null });
  const queue: ChatQueue = openChatQueue(redis);
  await queue.waitUntilReady();
  /** So many processes have found no job, and wait for the sign of one. */
  const processesWait = (count: number) =>
    until('they wait for the sign of a job', async () => {
      const clients = String(await redis.client('LIST')).split('\n');
      const own = clients.filter((line) => line.includes(` db=${redis.options.db} `));
      return own.filter((line) => line.includes(' cmd=bzpopmin ')).length === count;
    });
  return {
    redis,
    queue,
    toKey: (type: string) => queue.toKey(type),
    processesWait,
    close: async () => {
      await queue.close();
      redis.disconnect();
    },
  };
}
