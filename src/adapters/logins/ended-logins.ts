/**
 * The logins that have ended while their access tokens are still unexpired. Every process keeps the whole list in
 * memory, so checking a token costs no round trip.
 */
export interface EndedLogins {
  /** Whether the login has ended, as far as this process knows. */
  has(loginId: string): boolean;
  /**
   * Ends a login for all processes. This process knows at once. Other processes know within about a second: through a
   * notice, or at their next look.
   * @throws StoreUnavailableError
   */
  end(loginId: string): Promise<void>;
  /** Calls this for each login that ends from now on, once this process knows. */
  onEnd(listener: (loginId: string) => void): void;
  /** Resolves once this process knows which logins have ended. It must trust no token before that. */
  start(): Promise<void>;
  stop(): void;
}
