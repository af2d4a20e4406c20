import { createHash, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import type { Redis } from 'ioredis';
import { orStoreUnavailable } from '../../adapters/redis/connect-redis.ts';
import type { Caller } from '../../contracts/account.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';

/** The cookie of the admin's pages: the id of a session. It is sent to /admin only, and by no other site. */
export const ADMIN_COOKIE = 'healify_admin';

/**
 * The logins of the admin's pages. They are kept in Redis, by the hash of their ids, so that a logout ends one at once for
 * every api process. All methods reject with StoreUnavailableError where Redis is out of reach.
 */
export interface AdminSessions {
  /** Begins a session, and gives its id. */
  begin(caller: Caller, ttlMs: number): Promise<string>;
  find(sessionId: string): Promise<Caller | undefined>;
  end(sessionId: string): Promise<void>;
}

export function createAdminSessions({ redis }: { redis: Redis }): AdminSessions {
  return {
    begin: async ({ userId, role }, ttlMs) => {
      const sessionId = randomBytes(32).toString('base64url');
      const caller = JSON.stringify({ userId, role });
      await orStoreUnavailable(redis.set(keyOf(sessionId), caller, 'PX', Math.max(1, Math.floor(ttlMs))));
      return sessionId;
    },
    find: async (sessionId) => {
      const caller = await orStoreUnavailable(redis.get(keyOf(sessionId)));
      return caller === null ? undefined : (JSON.parse(caller) as Caller);
    },
    end: async (sessionId) => void (await orStoreUnavailable(redis.del(keyOf(sessionId)))),
  };
}

const COOKIE = new RegExp(`(?:^|;\\s*)${ADMIN_COOKIE}=([\\w-]{43})(?=;|\\s*$)`);

/** The session's id that a browser sends, if it sends one. */
export const readAdminCookie = (req: Request): string | undefined => COOKIE.exec(req.get('Cookie') ?? '')?.[1];

const keyOf = (sessionId: string) => redisKeys.adminSession(createHash('sha256').update(sessionId).digest('hex'));
