import { createHash, randomBytes } from 'node:crypto';
import type { AdminSessionStore } from '../../adapters/logins/admin-session-store.ts';
import type { Caller } from '../../contracts/account.ts';

/**
 * The sessions of the admin's pages. They are entries in a store and not tokens, so that a logout takes effect at once
 * in every api process. All methods reject with StoreUnavailableError if the store is out of reach.
 */
export interface AdminSessions {
  /** Begins a session, and returns its id. */
  begin(caller: Caller, ttlMs: number): Promise<string>;
  find(sessionId: string): Promise<Caller | undefined>;
  end(sessionId: string): Promise<void>;
}

export function createAdminSessions({ store }: { store: AdminSessionStore }): AdminSessions {
  return {
    begin: async (caller, ttlMs) => {
      const sessionId = randomBytes(32).toString('base64url');
      await store.begin(hashOf(sessionId), caller, Math.max(1, Math.floor(ttlMs)));
      return sessionId;
    },
    find: (sessionId) => store.find(hashOf(sessionId)),
    end: (sessionId) => store.end(hashOf(sessionId)),
  };
}

const hashOf = (sessionId: string) => createHash('sha256').update(sessionId).digest('hex');
