import type { Caller } from '../../contracts/account.ts';

/** A login to the admin's pages. */
export interface AdminSession extends Caller {
  /** When it began, ms since 1970. Left out: an earlier version began it. */
  begunAt?: number;
  /** When it ends at the latest, ms since 1970. */
  endsAt: number;
}

/**
 * The sessions of the admin's pages. The store holds only a hash of each session's id, so nobody who reads the store
 * can log in with what it holds. Every method rejects with StoreUnavailableError if the store is out of reach.
 */
export interface AdminSessionStore {
  /** Begins a session. It expires after `ttlMs`, which is at least 1, unless it is extended. */
  begin(idHash: string, session: AdminSession, ttlMs: number): Promise<void>;
  /** Returns the session; undefined if it has ended or expired, or never began. */
  find(idHash: string): Promise<AdminSession | undefined>;
  /** Makes a session expire `ttlMs` from now. A session that has ended stays ended. */
  extend(idHash: string, ttlMs: number): Promise<void>;
  /** Ends the session for all processes at once. Ending a session that does not exist is no error. */
  end(idHash: string): Promise<void>;
}
