import type { Erasure } from '../../contracts/erasures.ts';

/** The erasures: those under way, and the receipts of those that are done. All methods reject with StoreUnavailableError. */
export interface ErasureStore {
  /**
   * Writes a new erasure down, unless one of the same user, or of the same conversation, is under way. Of several at once, one is
   * written down.
   * @returns the one that is under way. If it was written down before, or by somebody else, it has another id than the given one
   */
  begin(erasure: Erasure): Promise<Erasure>;
  /** Writes an erasure that has begun down as it is now. It is kept for the store's retention after it is done, and until then for ever. */
  save(erasure: Erasure): Promise<void>;
  /** Forgets an erasure: there was nothing to erase. */
  remove(erasure: Erasure): Promise<void>;
  find(erasureId: string): Promise<Erasure | undefined>;
  /** Returns the latest erasure of a whole user. */
  ofUser(userId: string): Promise<Erasure | undefined>;
  /** Returns the erasure of a single conversation of a user, if it is not done. */
  underWay(userId: string, sessionId: string): Promise<Erasure | undefined>;
  /** Returns the ids of at most `count` erasures that are not done. */
  unfinished(count: number): Promise<string[]>;
}
