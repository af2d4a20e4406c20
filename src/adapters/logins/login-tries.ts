/**
 * Tries to log in that have failed lately, each under the key of who tries to get into which account. The more of them
 * there are, the longer the next one must wait.
 */
export interface LoginTries {
  /**
   * Counts a try, as one that has failed. Counting is atomic: of many tries at once, none passes without being counted.
   * @returns 0 if it may be made now, else how long to wait in ms. A try that must wait is not counted
   * @throws StoreUnavailableError
   */
  begin(key: string): Promise<number>;
  /** Forgets the tries of a key, because the last one has succeeded. @throws StoreUnavailableError */
  forget(key: string): Promise<void>;
}

export interface LoginTriesRules {
  /** How many tries may fail before the next one must wait. */
  free: number;
  /** The first wait. Each further failure doubles it. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** How long after the latest try they are forgotten. */
  keepMs: number;
}
