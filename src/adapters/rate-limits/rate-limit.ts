/** The result of one use. */
export interface RateLimitUse {
  allowed: boolean;
  /** How many more uses the key has in its window; 0 or more. */
  remaining: number;
  /** When the key's window ends, in ms from now. */
  windowEndsInMs: number;
}

/**
 * Limits how often something may be used in a time window. Each key (a user, an address) has the whole quota for
 * itself, and all processes count together. A key's window begins with its first use and ends after `windowSeconds`.
 */
export interface RateLimit {
  /** Names what is limited. Two limits with the same name share the counts of their keys. */
  readonly name: string;
  /** How many uses a window has. */
  readonly quota: number;
  readonly windowSeconds: number;
  /**
   * Counts one use. Counting is atomic: however many uses come at once, at most `quota` are allowed in a window.
   * @throws StoreUnavailableError
   */
  use(key: string): Promise<RateLimitUse>;
}
