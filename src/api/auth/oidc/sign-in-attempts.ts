import { createHash, randomBytes } from 'node:crypto';
import type { OneTimeEntries } from '../../../adapters/accounts/one-time-entries.ts';
import type { SignInSecrets } from '../../../adapters/identity-provider/identity-provider.ts';

/** The page that somebody logs in to, and what it shows then. */
export interface Destination {
  page: 'chat' | 'admin';
  /** What its address has behind the `#`. */
  view: string;
}

/** What is kept of a login between our page and the browser's return from the provider. */
export type SignInAttempt = Omit<SignInSecrets, 'state'> & Destination;

/** What is kept of a login between the browser's return and the moment when the chat page asks for its tokens. */
export interface SignedIn {
  userId: string;
  /** When the browser returned, in ms since 1970. */
  begunAt: number;
}

const ATTEMPT_TTL_MS = 10 * 60_000;
const SIGNED_IN_TTL_MS = 60_000;

/**
 * Logins at the identity provider that have not ended. What is kept of each can be taken once, and only by the browser that
 * has begun it: the browser's own secret is a part of the key. So nobody can make another's browser end a login that they have
 * begun, or end one themselves with what they have seen of it. All methods reject with StoreUnavailableError if the store is
 * out of reach.
 * @param browser the secret in the browser's cookie
 */
export interface SignInAttempts {
  begin(browser: string, destination: Destination): Promise<SignInSecrets>;
  /** undefined: it has ended, has expired, or was begun by another browser. */
  take(browser: string, state: string): Promise<(SignInSecrets & Destination) | undefined>;
  /** Returns a code, with which the chat page asks for its tokens. */
  keepSignedIn(browser: string, signedIn: SignedIn): Promise<string>;
  /** undefined: as for `take`. */
  takeSignedIn(browser: string, code: string): Promise<SignedIn | undefined>;
}

export function createSignInAttempts(stores: {
  attempts: OneTimeEntries<SignInAttempt>;
  signedIn: OneTimeEntries<SignedIn>;
}): SignInAttempts {
  return {
    begin: async (browser, destination) => {
      const [state, nonce, codeVerifier] = [randomSecret(), randomSecret(), randomSecret()];
      await stores.attempts.keep(hashOf(browser, state), { nonce, codeVerifier, ...destination }, ATTEMPT_TTL_MS);
      return { state, nonce, codeVerifier };
    },
    take: async (browser, state) => {
      const attempt = await stores.attempts.take(hashOf(browser, state));
      return attempt && { state, ...attempt };
    },
    keepSignedIn: async (browser, signedIn) => {
      const code = randomSecret();
      await stores.signedIn.keep(hashOf(browser, code), signedIn, SIGNED_IN_TTL_MS);
      return code;
    },
    takeSignedIn: (browser, code) => stores.signedIn.take(hashOf(browser, code)),
  };
}

/** 43 characters, as a code verifier must have at least. */
export const randomSecret = () => randomBytes(32).toString('base64url');

const hashOf = (browser: string, secret: string) =>
  createHash('sha256').update(`${browser}.${secret}`).digest('base64url');
