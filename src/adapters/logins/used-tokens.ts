/**
 * Tokens that count once, by a hash of their ids. Every method costs one command, and rejects with StoreUnavailableError if the
 * store is out of reach.
 */
export interface UsedTokens {
  /** Remembers for `ttlMs` that a token was used. Returns false if it was used before. */
  use(idHash: string, ttlMs: number): Promise<boolean>;
  /** The token counts again, because what it was used for has failed. */
  giveBack(idHash: string): Promise<void>;
}
