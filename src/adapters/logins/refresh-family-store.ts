/**
 * The refresh tokens of one login, of which one is valid at a time. The store has the hash of the valid token and the
 * secret that the next one is derived with. Nobody can make a token from these two.
 */
export interface RefreshFamily {
  userId: string;
  /** SHA-256 of the valid token, in hex. */
  hash: string;
  secret: string;
  /** How often a token of this family was exchanged for the next. */
  generation: number;
  /** When tokens were exchanged, in ms on the store's clock, newest first; only the latest times. */
  rotations: number[];
  /** When the valid token was made, in seconds since 1970, on the clock of the api that made it. */
  issuedAt: number;
}

/** The families of refresh tokens. Every method rejects with StoreUnavailableError if the store is out of reach. */
export interface RefreshFamilyStore {
  /** Adds a family whose first token was not exchanged yet. It expires after the store's `ttlMs`. */
  create(id: string, family: Pick<RefreshFamily, 'userId' | 'hash' | 'secret' | 'issuedAt'>): Promise<void>;
  /** Gives the family, and the time of the store's clock in ms; undefined if it was removed, expired or never made. */
  find(id: string): Promise<{ family: RefreshFamily; nowMs: number } | undefined>;
  /**
   * Replaces what is known of the valid token, if `hash` is still the valid one, and begins `ttlMs` anew. This is atomic:
   * of several that exchange the same token at once, exactly one gets true.
   */
  exchange(id: string, hash: string, next: Omit<RefreshFamily, 'userId'>): Promise<boolean>;
  /** It is no error if there is no such family. */
  remove(id: string): Promise<void>;
}
