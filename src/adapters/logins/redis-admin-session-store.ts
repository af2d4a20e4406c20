import type { Redis } from 'ioredis';
import type { Caller } from '../../contracts/account.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { AdminSessionStore } from './admin-session-store.ts';

/** Sessions of the admin's pages in Redis: one JSON string each. Every method costs one command. */
export function createRedisAdminSessionStore({ redis }: { redis: Redis }): AdminSessionStore {
  return {
    begin: async (idHash, { userId, role }, ttlMs) => {
      const caller = JSON.stringify({ userId, role });
      await orStoreUnavailable(redis.set(redisKeys.adminSession(idHash), caller, 'PX', ttlMs));
    },
    find: async (idHash) => {
      const caller = await orStoreUnavailable(redis.get(redisKeys.adminSession(idHash)));
      return caller === null ? undefined : (JSON.parse(caller) as Caller);
    },
    end: async (idHash) => void (await orStoreUnavailable(redis.del(redisKeys.adminSession(idHash)))),
  };
}
