import type { AccountOptions, TokensBody } from '../contracts/http/account-bodies.ts';
import { ChatError } from './errors.ts';
import { createHttp, type TokenSource } from './http.ts';

/** What is kept of a login, until the user logs out. */
export interface KeptLogin {
  userId: string;
  accessToken: string;
  refreshToken: string;
  /** ms since 1970, on this machine's clock */
  expiresAt: number;
}

/** Where a login is kept. */
export interface LoginStorage {
  read(): KeptLogin | undefined;
  write(login: KeptLogin | undefined): void;
}

/** A user's login with an account of the api itself. It has these states: *out*, and *in* while there is a kept login. */
export interface Login {
  /** undefined: nobody is logged in */
  readonly userId: string | undefined;
  /** Says who may make an account. */
  options(): Promise<AccountOptions>;
  /** @param invite where only those who are invited can make an account */
  register(email: string, password: string, invite?: string): Promise<void>;
  /**
   * Somebody who is logged in logs in anew with it.
   * @param totp of the second factor: a code of the authenticator app, or a recovery code
   * @throws ChatError with the code `second_factor_required`: call it again with `totp`
   */
  login(email: string, password: string, totp?: string): Promise<void>;
  /** Ends a login that the page has begun at the identity provider. @param code that the page's address has after it */
  signedIn(code: string): Promise<void>;
  /** Has a link sent to an email, to choose another password. It does not tell whether the email has an account. */
  forgotten(email: string): Promise<void>;
  /** @param token of the link */
  resetPassword(token: string, newPassword: string): Promise<void>;
  /** @param token of the link that was sent after the registration */
  verifyEmail(token: string): Promise<void>;
  logout(): Promise<void>;
  /** The access token, made new in time. */
  readonly token: TokenSource;
}

/** The token is made new so long before it expires. */
const AHEAD_MS = 30_000;

/**
 * @param options.storage is read before each use, because another tab may have made the token new
 * @param options.onEnd the api does not know the login any more
 */
export function createLogin(options: {
  baseUrl?: string;
  storage: LoginStorage;
  onEnd?: () => void;
  fetch?: typeof fetch;
}): Login {
  const { storage, onEnd = () => {} } = options;
  const http = createHttp({ ...options, baseUrl: options.baseUrl ?? '' });
  let refreshing: Promise<string | undefined> | undefined;

  const keep = ({ userId, accessToken, refreshToken, expiresIn }: TokensBody): void =>
    storage.write({ userId, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1_000 });

  const end = ({ refreshToken }: KeptLogin) =>
    http.call<void>('POST', '/auth/logout', { body: { refreshToken }, retry: true });

  async function refresh(refreshToken: string): Promise<string | undefined> {
    // Meanwhile another tab may have been faster, the user may have logged out, or somebody else may have logged in.
    const isCurrent = () => storage.read()?.refreshToken === refreshToken;
    try {
      const tokens = await http.call<TokensBody>('POST', '/auth/refresh', { body: { refreshToken }, retry: true });
      if (isCurrent()) keep(tokens);
    } catch (error) {
      if (!(error instanceof ChatError) || error.status !== 401) throw error;
      if (isCurrent()) {
        storage.write(undefined);
        onEnd();
      }
    }
    return storage.read()?.accessToken;
  }

  return {
    get userId() {
      return storage.read()?.userId;
    },
    options: () => http.call('GET', '/auth/options', { retry: true }),
    register: (email, password, invite) =>
      http.call('POST', '/auth/register', { body: { email, password, ...(invite && { invite }) } }),
    forgotten: (email) => http.call('POST', '/auth/password/forgotten', { body: { email } }),
    resetPassword: (token, newPassword) => http.call('POST', '/auth/password/reset', { body: { token, newPassword } }),
    verifyEmail: (token) => http.call('POST', '/auth/email/verify', { body: { token } }),
    login: async (email, password, totp) => {
      const body = { email, password, ...(totp && { totp }) };
      const before = storage.read();
      keep(await http.call<TokensBody>('POST', '/auth/login', { body }));
      // Nobody uses it any more. Should this fail, it expires by itself.
      if (before) await end(before).catch(() => {});
    },
    signedIn: async (code) => keep(await http.call<TokensBody>('POST', '/auth/oidc/tokens', { body: { code } })),
    logout: async () => {
      const kept = storage.read();
      storage.write(undefined);
      if (kept) await end(kept);
    },
    token: async (refused) => {
      const kept = storage.read();
      if (!kept) return undefined;
      if (kept.accessToken !== refused && Date.now() < kept.expiresAt - AHEAD_MS) return kept.accessToken;
      refreshing ??= refresh(kept.refreshToken).finally(() => {
        refreshing = undefined;
      });
      return await refreshing;
    },
  };
}
