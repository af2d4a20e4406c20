import type { Caller } from '../../contracts/account.ts';

/**
 * The sessions of the admin's pages. The store holds only a hash of each session's id, so nobody who reads the store
 * can log in with what it holds. Every method rejects with StoreUnavailableError if the store is out of reach.
 */
export interface AdminSessionStore {
  /** Begins a session. It expires after `ttlMs`, which is at least 1. */
  begin(idHash: string, caller: Caller, ttlMs: number): Promise<void>;
  /** Returns whose session it is; undefined if it has ended or expired, or never began. */
  find(idHash: string): Promise<Caller | undefined>;
  /** Ends the session for all processes at once. Ending a session that does not exist is no error. */
  end(idHash: string): Promise<void>;
}
