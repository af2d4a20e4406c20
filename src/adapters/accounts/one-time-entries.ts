/**
 * Entries that can be taken once, each by a secret that only its holder knows. The store has only a hash of it, so nobody who
 * reads the store can take what it holds. Every method costs one command, and rejects with StoreUnavailableError if the store
 * is out of reach.
 */
export interface OneTimeEntries<T> {
  /** Keeps an entry. It expires after `ttlMs`. */
  keep(secretHash: string, entry: T, ttlMs: number): Promise<void>;
  /** Returns an entry, and leaves it there. undefined: there is none. */
  find(secretHash: string): Promise<T | undefined>;
  /** Removes an entry, and returns it. undefined: it was taken before, has expired, or never existed. */
  take(secretHash: string): Promise<T | undefined>;
}
