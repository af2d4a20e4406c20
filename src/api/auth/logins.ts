import { createHash } from 'node:crypto';
import type { LoginClient, RefreshFamilyStore } from '../../adapters/logins/refresh-family-store.ts';

/** A login that goes on, as its user sees it. Times are in ms since 1970. */
export interface OpenLogin {
  loginId: string;
  /** undefined: an earlier version began it. */
  startedAt: number | undefined;
  /** When it got its latest tokens. */
  refreshedAt: number;
  endsAt: number | undefined;
  client: LoginClient | undefined;
}

/**
 * The logins of users. Each is a family of refresh tokens. All methods reject with StoreUnavailableError if a store is out
 * of reach.
 */
export interface Logins {
  /** Returns a user's logins, at most the 1,000 that last longest. The one that was used last comes first. */
  list(userId: string): Promise<OpenLogin[]>;
  /** Ends a login, with all of its tokens. Returns false if the user has no such login. */
  end(userId: string, loginId: string): Promise<boolean>;
  /** Ends all logins of a user but one. Returns how many. */
  endAll(userId: string, but?: string): Promise<number>;
  /** Ends a family of refresh tokens, and so its login. */
  endFamily(id: string, userId: string): Promise<void>;
}

/** @param options.endLogin ends the login's access tokens */
export function createLogins(options: {
  families: RefreshFamilyStore;
  endLogin: (loginId: string) => Promise<void>;
}): Logins {
  const { families, endLogin } = options;

  /** The access tokens end first. If the rest fails, the login can be ended again. */
  async function endFamily(id: string, userId: string): Promise<void> {
    await endLogin(loginIdOf(id));
    await families.remove(id, userId);
  }

  return {
    list: async (userId) =>
      (await families.list(userId))
        .map(({ id, family: { startedAt, endsAt, issuedAt, client } }) => ({
          ...{ loginId: loginIdOf(id), startedAt, endsAt, client },
          refreshedAt: issuedAt * 1000,
        }))
        .sort((one, other) => other.refreshedAt - one.refreshedAt),
    end: async (userId, loginId) => {
      const found = (await families.list(userId)).find(({ id }) => loginIdOf(id) === loginId);
      if (found) await endFamily(found.id, userId);
      return found !== undefined;
    },
    endAll: async (userId, but) => {
      for (let ended = 0; ; ) {
        const others = (await families.list(userId)).filter(({ id }) => loginIdOf(id) !== but);
        if (others.length === 0) return ended;
        for (const { id } of others) await endFamily(id, userId);
        ended += others.length;
      }
    },
    endFamily,
  };
}

/** The public id of a login: nobody can make one of its refresh tokens from it. */
export const loginIdOf = (familyId: string) => createHash('sha256').update(familyId).digest('base64url').slice(0, 22);
