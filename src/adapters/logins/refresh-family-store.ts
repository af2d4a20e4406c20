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
  /**
   * When the login began, and when it ends at the latest, in ms since 1970, on the clock of the api process that began it.
   * undefined: an earlier version began it.
   */
  startedAt?: number | undefined;
  endsAt?: number | undefined;
  /** Where the login began. undefined: an earlier version began it. */
  client?: LoginClient | undefined;
}

/** What is known of the program that somebody has logged in with. */
export interface LoginClient {
  /** See clientAddress. */
  address: string;
  /** What the program calls itself (`User-Agent`), cut if it is long. */
  agent: string;
}

export const MOST_LISTED = 1_000;

/** The families of refresh tokens. Every method rejects with StoreUnavailableError if the store is out of reach. */
export interface RefreshFamilyStore {
  /** Adds a family whose first token was not exchanged yet. It expires after the store's `ttlMs`, or at its end. */
  create(id: string, family: Omit<RefreshFamily, 'generation' | 'rotations'>): Promise<void>;
  /**
   * Returns the family, and the time of the store's clock in ms; undefined if the family was removed, has expired or
   * never existed.
   */
  find(id: string): Promise<{ family: RefreshFamily; nowMs: number } | undefined>;
  /**
   * Replaces the family, if `hash` still belongs to its valid token, and restarts `ttlMs`. It is atomic: if several callers
   * exchange the same token at once, exactly one gets true.
   * @param next has the user of the family
   */
  exchange(id: string, hash: string, next: RefreshFamily): Promise<boolean>;
  /** Returns the families of a user, at most MOST_LISTED, those that last longest first. */
  list(userId: string): Promise<{ id: string; family: RefreshFamily }[]>;
  /** Removing a family that does not exist is no error. @param userId the user of the family */
  remove(id: string, userId: string): Promise<void>;
  /** Removes all that is kept of a user's families. */
  removeAll(userId: string): Promise<void>;
}

/** How long a family lasts from now on, in ms: `ttlMs`, but not longer than to its end. */
export const familyLifetimeMs = ({ endsAt }: Pick<RefreshFamily, 'endsAt'>, ttlMs: number): number =>
  Math.max(1, Math.floor(Math.min(ttlMs, (endsAt ?? Number.POSITIVE_INFINITY) - Date.now())));
