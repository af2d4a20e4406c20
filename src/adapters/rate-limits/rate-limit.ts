/** What became of one use. */
export interface RateLimitUse {
  allowed: boolean;
  /** How many more uses the key has in its window; 0 or more. */
  remaining: number;
  /** When the key's window ends, in ms from now. */
  windowEndsInMs: number;
}

/**
 * Bounds how often something may be used in a window of time. Each key (a user, an address) has the whole limit for
 * itself, and all processes count together. A window begins with the first use of a key and ends after `windowSeconds`.
 */
export interface RateLimit {
  /** Names what is limited. Two limits of the same name and key share their count. */
  readonly name: string;
  /** How many uses a window has. */
  readonly quota: number;
  readonly windowSeconds: number;
  /**
   * Counts one use. Counting is atomic: however many come at once, no more than `quota` are allowed in a window.
   * @throws StoreUnavailableError
   */
  use(key: string): Promise<RateLimitUse>;
}
