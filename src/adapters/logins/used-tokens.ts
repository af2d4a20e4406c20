/**
 * Tokens that count once, by a hash of their ids. Every method costs one command, and rejects with StoreUnavailableError if the
 * store is out of reach.
 */
export interface UsedTokens {
  isUsed(idHash: string): Promise<boolean>;
  /** Remembers for `ttlMs` that a token was used, and that what it was used for is done. */
  noteUsed(idHash: string, ttlMs: number): Promise<void>;
}
