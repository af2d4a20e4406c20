import { createHash, randomBytes } from 'node:crypto';
import type { AdminSessionStore } from '../../adapters/logins/admin-session-store.ts';
import type { Caller, Role } from '../../contracts/account.ts';

/**
 * The sessions of the admin's pages. They are entries in a store and not tokens, so that a logout takes effect at once
 * in every api process. A session ends when its person logs out, has done nothing for some time, has been logged in for
 * the longest time that is allowed, or is no admin any more. All methods reject with StoreUnavailableError if the store
 * is out of reach.
 */
export interface AdminSessions {
  /**
   * Begins a session that lasts at most `maxMs`, and returns its id.
   * @param begunAt when its person began to show who they are, in ms since 1970. Whatever has ended all sessions since then has
   * ended this one as well
   */
  begin(caller: Caller, maxMs: number, begunAt: number): Promise<string>;
  /**
   * @param options.active whether the person has just done something. That keeps the session alive
   * @returns whose session it is; undefined if it has ended
   */
  find(sessionId: string, options: { active: boolean }): Promise<Caller | undefined>;
  end(sessionId: string): Promise<void>;
}

/**
 * Returns the present role of an account; undefined: there is none any more, it is disabled, or a session that began at `begunAt`
 * (ms since 1970) has ended with all others of the account.
 */
export type RoleOf = (userId: string, begunAt?: number) => Promise<Role | undefined>;

/**
 * @param options.idleMs how long a session lasts after its person has last done something
 * @param options.roleOf left out: an identity provider has the accounts, and the role is that of its token
 */
export function createAdminSessions(options: {
  store: AdminSessionStore;
  idleMs: number;
  roleOf?: RoleOf | undefined;
}): AdminSessions {
  const { store, idleMs, roleOf } = options;
  const ttlMs = (endsAt: number) => Math.max(1, Math.floor(Math.min(idleMs, endsAt - Date.now())));

  return {
    begin: async (caller, maxMs, begunAt) => {
      const sessionId = randomBytes(32).toString('base64url');
      const endsAt = begunAt + maxMs;
      await store.begin(hashOf(sessionId), { ...caller, begunAt, endsAt }, ttlMs(endsAt));
      return sessionId;
    },
    find: async (sessionId, { active }) => {
      const id = hashOf(sessionId);
      const session = await store.find(id);
      if (!session) return undefined;
      const { userId, begunAt, endsAt } = session;
      // An earlier version has written no end. Such a session ends with the upgrade.
      if (!(Date.now() < endsAt)) return undefined;
      const [role] = await Promise.all([
        roleOf ? roleOf(userId, begunAt) : session.role,
        active ? store.extend(id, ttlMs(endsAt)) : undefined,
      ]);
      return role && { userId, role };
    },
    end: (sessionId) => store.end(hashOf(sessionId)),
  };
}

const hashOf = (sessionId: string) => createHash('sha256').update(sessionId).digest('hex');
