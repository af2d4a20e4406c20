/** What a question was given when its key came for the first time. */
export interface Claim {
  sessionId: string;
  requestId: string;
  /** A hash of what must be the same for the key to mean the same question. */
  fingerprint: string;
}

export interface IdempotencyKeys {
  /**
   * Takes a user's key for a question, and gives the claim that holds from then on: this one, or the one that took the
   * key before. This is atomic: of several claims of one key, exactly one is the first. A key is remembered for the
   * store's `ttlMs` from its first claim on; a repeat does not prolong that. Users do not see each other's keys.
   * @throws StoreUnavailableError
   */
  claim(userId: string, key: string, claim: Claim): Promise<{ claim: Claim; repeated: boolean }>;
}
