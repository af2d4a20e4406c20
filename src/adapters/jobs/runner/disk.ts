import { once } from 'node:events';
import { StoreUnavailableError } from '../../../contracts/errors.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { SingleRedis } from '../../redis/redis.ts';
import type { Disk } from './job-adder.ts';

const FSYNC_TIMEOUT_MS = 10_000;

/**
 * Finds out when writes are on Redis's disk. WAITAOF only covers the writes of its own connection. So the writes must
 * be made on `redis`, and that connection must not have been lost in between. All other commands on it also wait for
 * the disk, up to 10 s.
 */
export function createDisk(redis: SingleRedis): Disk {
  return {
    ready: async () => {
      if (redis.status !== 'ready') await orStoreUnavailable(once(redis, 'ready'));
      const { stream } = redis;
      return async () => {
        await orStoreUnavailable(waitForFsync(redis));
        // After a reconnect, the reply of Redis is not about our writes.
        if (redis.stream !== stream) throw new StoreUnavailableError('Redis was lost before its disk had the jobs.');
      };
    },
  };
}

/** @throws StoreUnavailableError the writes are not on disk in time */
async function waitForFsync(redis: SingleRedis): Promise<void> {
  const [onDisk] = (await redis.call('WAITAOF', 1, 0, FSYNC_TIMEOUT_MS)) as [number, number];
  if (onDisk < 1) throw new StoreUnavailableError('Redis did not write to its disk in time.');
}
