import { unavailableReason } from './unavailable-reason.ts';

/** What we remember of a login at an identity provider until the browser comes back from it. All are random. */
export interface SignInSecrets {
  /** Comes back with the browser. */
  state: string;
  /** Must be in the ID token. */
  nonce: string;
  /** Shows that the code is redeemed by whoever has asked for it (PKCE). */
  codeVerifier: string;
}

/** What a provider says of somebody whom it has just let in: the claims of the ID token, then those of its userinfo. */
export interface ProvenIdentity {
  /** Identifies the person at this provider, for ever. */
  subject: string;
  claims: Record<string, unknown>;
}

/**
 * An identity provider that speaks OpenID Connect. Each method rejects with ProviderUnavailableError if the provider cannot be
 * reached, or does not answer as the standard says.
 */
export interface IdentityProvider {
  /** Asks the provider what it offers, so that the first login need not wait for it. */
  prepare(): Promise<void>;
  /** Where to send the browser, so that its person logs in at the provider. */
  signInUrl(secrets: SignInSecrets): Promise<URL>;
  /**
   * Redeems what the browser brings back.
   * @param reply the query of the redirect address
   * @throws SignInRefusedError
   */
  redeem(secrets: SignInSecrets, reply: URLSearchParams): Promise<ProvenIdentity>;
  /**
   * Where to send the browser, so that its person logs out at the provider, too.
   * @param returnTo where the provider sends the browser then
   * @returns undefined: the provider has no such address
   */
  signOutUrl(returnTo: string): Promise<URL | undefined>;
  /**
   * Reads the token with which the provider says that somebody has logged out there (back-channel logout). It does not remember
   * which tokens it has read.
   * @throws SignInRefusedError
   */
  readLogoutToken(token: string): Promise<LogoutNotice>;
}

/** Somebody has logged out at the provider. */
export interface LogoutNotice {
  subject: string;
  /** The token's own id (`jti`). */
  tokenId: string;
  /** For how long such a token counts at most, in ms. */
  countsForMs: number;
}

/** The provider is of no use at the moment. `reason` is safe to log. */
export class ProviderUnavailableError extends Error {
  readonly reason: string;

  constructor(cause: unknown) {
    super('the identity provider is not available', { cause });
    this.reason = unavailableReason(cause);
  }
}

/** `denied`: the provider says no. `assurance`: the login was weaker than we demand. `invalid`: the reply is not as it must be. */
export type SignInRefusal = 'denied' | 'assurance' | 'invalid';

/** The reply of a provider lets nobody in. `reason` is safe to log. */
export class SignInRefusedError extends Error {
  readonly refusal: SignInRefusal;
  readonly reason: string;

  constructor(refusal: SignInRefusal, reason: string, options?: ErrorOptions) {
    super(`the identity provider's reply lets nobody in: ${reason}`, options);
    this.refusal = refusal;
    this.reason = reason;
  }
}
