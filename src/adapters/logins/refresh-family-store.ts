/**
 * The refresh tokens of one login. One of them is valid at a time. The store has the hash of the valid token, and the
 * secret that helps to derive the next one. Nobody can make a token from these two.
 */
export interface RefreshFamily {
  userId: string;
  /** SHA-256 of the valid token, in hex. */
  hash: string;
  secret: string;
  /** How often a token of this family was exchanged for the next. */
  generation: number;
  /** When tokens were exchanged, in ms of the store's clock, newest first. Only the latest times are kept. */
  rotations: number[];
  /** When the valid token was made, in seconds since 1970, on the clock of the api process that made it. */
  issuedAt: number;
}

/** The families of refresh tokens. Every method rejects with StoreUnavailableError if the store is out of reach. */
export interface RefreshFamilyStore {
  /** Adds a family whose first token was not exchanged yet. It expires after the store's `ttlMs`. */
  create(id: string, family: Pick<RefreshFamily, 'userId' | 'hash' | 'secret' | 'issuedAt'>): Promise<void>;
  /**
   * Returns the family, and the time of the store's clock in ms; undefined if the family was removed, has expired or
   * never existed.
   */
  find(id: string): Promise<{ family: RefreshFamily; nowMs: number } | undefined>;
  /**
   * Replaces the valid token, if `hash` still belongs to it, and restarts `ttlMs`. It is atomic: if several callers
   * exchange the same token at once, exactly one gets true.
   */
  exchange(id: string, hash: string, next: Omit<RefreshFamily, 'userId'>): Promise<boolean>;
  /** Removing a family that does not exist is no error. */
  remove(id: string): Promise<void>;
}
