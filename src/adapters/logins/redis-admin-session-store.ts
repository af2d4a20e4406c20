import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { AdminSession, AdminSessionStore } from './admin-session-store.ts';

/** Sessions of the admin's pages in Redis: one JSON string each. Every method costs one command. */
export function createRedisAdminSessionStore({ redis }: { redis: Redis }): AdminSessionStore {
  return {
    begin: async (idHash, { userId, role, begunAt, endsAt }, ttlMs) => {
      const session = JSON.stringify({ userId, role, begunAt, endsAt });
      await orStoreUnavailable(redis.set(redisKeys.adminSession(idHash), session, 'PX', ttlMs));
    },
    find: async (idHash) => {
      const session = await orStoreUnavailable(redis.get(redisKeys.adminSession(idHash)));
      return session === null ? undefined : (JSON.parse(session) as AdminSession);
    },
    extend: async (idHash, ttlMs) =>
      void (await orStoreUnavailable(redis.pexpire(redisKeys.adminSession(idHash), ttlMs))),
    end: async (idHash) => void (await orStoreUnavailable(redis.del(redisKeys.adminSession(idHash)))),
  };
}
