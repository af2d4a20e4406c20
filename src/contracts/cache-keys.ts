import { createHash } from 'node:crypto';

/** Who may be given a cached answer: one user, all users of a tenant, or everybody. */
export type CacheOwner = { userId: string } | { tenantId: string } | 'everybody';

/** Makes the fingerprints of an owner's questions, and seals the answers to them. */
export interface CacheKey {
  /** Returns 32 bytes, which are the same for the same text. */
  fingerprint(text: string): Buffer;
  /** @param hash of the question, which the entry is bound to */
  seal(hash: string, entry: string): string;
  /** Returns undefined for an entry of another owner or another question, and for one that was changed. */
  open(hash: string, sealed: string): string | undefined;
}

export interface CacheKeys {
  /**
   * Returns an owner's key; undefined once it was destroyed: then nothing may be kept. One round trip for an owner whose key this
   * process has not seen for some minutes, and one more for one that has none yet; none if encryption is off.
   * @throws StoreUnavailableError, MasterKeyMissingError
   */
  of(owner: CacheOwner): Promise<CacheKey | undefined>;
}

/** Encryption is off. Who can read the store can read the answers, so a key beside them would hide nothing. */
export const plainCacheKeys: CacheKeys = {
  of: async (owner) => ({
    fingerprint: (text) => createHash('sha256').update(JSON.stringify(owner)).update(text).digest(),
    seal: (_hash, entry) => entry,
    open: (_hash, entry) => entry,
  }),
};
