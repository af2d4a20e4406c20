/**
 * The logins that have ended while their access tokens are still unexpired. Every process knows all of them, so that
 * refusing a token costs no round trip.
 */
export interface EndedLogins {
  /** Answers from memory. */
  has(loginId: string): boolean;
  /**
   * Ends a login for every process. This process knows it at once, and another one within about a second: at once if it
   * is told, else when it looks next.
   * @throws StoreUnavailableError
   */
  end(loginId: string): Promise<void>;
  /** Resolves once this process knows which logins have ended. Before that, it must not trust any token. */
  start(): Promise<void>;
  stop(): void;
}
