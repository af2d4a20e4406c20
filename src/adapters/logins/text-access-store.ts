/**
 * Who may read texts for a while, in an emergency, although their role may not. Every method rejects with StoreUnavailableError
 * if the store is out of reach.
 */
export interface TextAccessStore {
  give(userId: string, ttlMs: number): Promise<void>;
  /** Returns for how many ms a user still has access; undefined: they have none. */
  left(userId: string): Promise<number | undefined>;
}
