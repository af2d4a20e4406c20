/** What a question was given when its idempotency key came for the first time. */
export interface Claim {
  sessionId: string;
  requestId: string;
  /** A hash of the question. If it differs, the key was used for another question. */
  fingerprint: string;
}

export interface IdempotencyKeys {
  /**
   * Takes a user's key for a question. Returns the claim that holds from then on: this one, or an earlier one. It is
   * atomic: of several claims of one key, exactly one is the first. A key is remembered for `ttlMs` from its first
   * claim on. A repeat does not prolong that. Users do not see each other's keys.
   * @throws StoreUnavailableError
   */
  claim(userId: string, key: string, claim: Claim): Promise<{ claim: Claim; repeated: boolean }>;
}
