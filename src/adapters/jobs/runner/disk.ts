import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { StoreUnavailableError } from '../../../contracts/errors.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import type { Disk } from './job-adder.ts';

const FSYNC_TIMEOUT_MS = 10_000;

/**
 * Tells when writes are on Redis's disk. WAITAOF speaks only of the writes of its own connection, so the writes must be made
 * on `redis`, and the connection must be the same one when it is asked. Whatever else is sent on it waits for the disk as
 * well, up to 10 s.
 */
export function createDisk(redis: Redis): Disk {
  return {
    ready: async () => {
      if (redis.status !== 'ready') await orStoreUnavailable(once(redis, 'ready'));
      const { stream } = redis;
      return async () => {
        await orStoreUnavailable(waitForFsync(redis));
        // On another connection, Redis has answered for that connection's writes.
        if (redis.stream !== stream) throw new StoreUnavailableError('Redis was lost before its disk had the jobs.');
      };
    },
  };
}

/** @throws StoreUnavailableError the disk does not have the writes in time */
async function waitForFsync(redis: Redis): Promise<void> {
  const [onDisk] = (await redis.call('WAITAOF', 1, 0, FSYNC_TIMEOUT_MS)) as [number, number];
  if (onDisk < 1) throw new StoreUnavailableError('Redis did not write to its disk in time.');
}
