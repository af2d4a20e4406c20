import type { Caller } from '../../contracts/account.ts';

/**
 * The sessions of the admin's pages. The store knows a session by the hash of its id, so that nobody who reads the store
 * can log in with what they see. Every method rejects with StoreUnavailableError if the store is out of reach.
 */
export interface AdminSessionStore {
  /** Begins a session. It expires after `ttlMs`, which is at least 1. */
  begin(idHash: string, caller: Caller, ttlMs: number): Promise<void>;
  /** Gives whose session it is; undefined if it has ended or expired, or never began. */
  find(idHash: string): Promise<Caller | undefined>;
  /** Ends the session for every process at once. It is no error if there is none. */
  end(idHash: string): Promise<void>;
}
