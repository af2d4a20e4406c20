import { randomUUID } from 'node:crypto';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { LoginClient } from '../../adapters/logins/refresh-family-store.ts';
import {
  type Account,
  type Caller,
  hasSessionEnded,
  type Role,
  roleInForce,
  type SecondFactorRule,
} from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { AccessTokens } from './access-tokens.ts';
import { mustBeHardToGuess } from './judge-password.ts';
import type { Passwords } from './passwords.ts';
import type { RefreshToken, RefreshTokens } from './refresh-tokens.ts';
import type { SecondFactors } from './second-factor.ts';

export interface Credentials {
  /** Lower case. */
  email: string;
  password: string;
}

/** What somebody logs in with. */
export interface LoginCredentials extends Credentials {
  /** Of the second factor; undefined: none was sent. */
  totp?: string | undefined;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  tokenType: 'Bearer';
  /** Seconds. */
  expiresIn: number;
  userId: string;
}

/** What people do with their accounts. All methods reject with StoreUnavailableError if the store is out of reach. */
export interface Accounts {
  /**
   * Makes an account for somebody who does not have one yet. It does the same work and says the same if the email has an
   * account. That account stays as it is.
   * @param admit is called before the account is made, once all else is well. Nothing is made if it rejects
   * @returns the id of the new account's user; undefined: there was one
   * @throws ApiError password_too_weak
   */
  register(credentials: Credentials, admit: () => Promise<void>): Promise<string | undefined>;
  /**
   * Lets somebody in, and notes when. What the caller begins for them must count from before this call: see AdminSessions.
   * @throws ApiError invalid_credentials, account_disabled, second_factor_required, wrong_code, rate_limited
   */
  checkIn(credentials: LoginCredentials): Promise<Account>;
  /** @throws as `checkIn` */
  login(credentials: LoginCredentials, client: LoginClient): Promise<{ tokens: Tokens; caller: Caller }>;
  /**
   * Begins a login of somebody whom an identity provider has let in.
   * @param signedIn.begunAt when it did, in ms since 1970. Whatever has ended all logins since then counts for this one, too
   * @throws ApiError invalid_credentials: there is no such account; account_disabled; sign_in_unknown: it has ended meanwhile
   */
  enter(
    signedIn: { userId: string; begunAt: number },
    client: LoginClient,
  ): Promise<{ tokens: Tokens; caller: Caller }>;
  /**
   * @param admit see RefreshTokens.rotate
   * @throws ApiError invalid_refresh_token, refresh_token_reused
   */
  refresh(refreshToken: string, admit: (loginId: string) => Promise<void>): Promise<Tokens>;
  /** Ends the login, with all of its tokens. Returns whose it was; undefined: the token is unknown. */
  logout(refreshToken: string): Promise<string | undefined>;
}

export function createAccounts(options: {
  store: AccountStore;
  passwords: Passwords;
  accessTokens: AccessTokens;
  refreshTokens: RefreshTokens;
  secondFactors: Pick<SecondFactors, 'prove'>;
  staffSecondFactor: SecondFactorRule;
  /** How long a login at an identity provider lasts at most, in ms. */
  providerLoginMaxMs: number;
}): Accounts {
  const { store, passwords, accessTokens, refreshTokens, secondFactors, staffSecondFactor, providerLoginMaxMs } =
    options;
  const callerOf = (account: Account): Caller => ({
    userId: account.userId,
    role: roleInForce(account, staffSecondFactor),
    tenantId: account.tenantId,
  });

  async function tokensOf(account: Account, refreshToken: RefreshToken): Promise<Tokens> {
    const { token, loginId, issuedAt, startedAt, endsAt } = refreshToken;
    const { ttlSeconds } = accessTokens;
    const now = Math.floor(Date.now() / 1000);
    // Tabs that refresh at the same time get the same access token, while at least half of its time is left.
    const from = Math.abs(now - issuedAt) * 2 < ttlSeconds ? issuedAt : now;
    const times = {
      issuedAt: from,
      loginStartedAt: startedAt === undefined ? undefined : Math.floor(startedAt / 1000),
      loginEndsAt: Math.floor(endsAt / 1000),
    };
    return {
      accessToken: await accessTokens.sign(callerOf(account), loginId, times),
      refreshToken: token,
      tokenType: 'Bearer',
      expiresIn: Math.max(0, Math.min(ttlSeconds, accessTokens.expiryOf(times) - now)),
      userId: account.userId,
    };
  }

  async function check({ email, password, totp }: LoginCredentials): Promise<Account> {
    const account = await store.byEmail(email);
    const matches = await passwords.verify(password, account?.passwordHash);
    if (!account || !matches) throw new ApiError('invalid_credentials');
    if (account.disabledAt !== undefined) throw new ApiError('account_disabled');
    await secondFactors.prove(account, totp);
    return account;
  }

  /** Notes that somebody logs in. Returns the account; undefined: the login does not count any more. */
  function noteLogin(account: Account): Promise<Account | undefined> {
    const lastLoginAt = new Date().toISOString();
    return store.change(account.userId, (now) =>
      now.disabledAt === undefined && needsTheSame(now, account) ? { ...now, lastLoginAt } : undefined,
    );
  }

  return {
    checkIn: async (credentials) => {
      const account = await noteLogin(await check(credentials));
      if (!account) throw new ApiError('invalid_credentials');
      return account;
    },
    register: (credentials, admit) => createAccount({ store, passwords }, credentials, 'user', admit),
    login: async (credentials, client) => {
      const account = await check(credentials);
      const begun = await refreshTokens.issue(account.userId, client);
      // Whatever ends all logins of the account may have come after the check, and before there was this login to end.
      if (!(await noteLogin(account))) {
        await refreshTokens.revoke(begun.token);
        throw new ApiError('invalid_credentials');
      }
      return { tokens: await tokensOf(account, begun), caller: callerOf(account) };
    },
    enter: async ({ userId, begunAt }, client) => {
      const begun = await refreshTokens.issue(userId, client, providerLoginMaxMs);
      // After there is a login, so that whatever ends all logins ends this one, or is seen here.
      const account = await store.byId(userId);
      if (!account || account.disabledAt !== undefined) {
        await refreshTokens.revoke(begun.token);
        throw new ApiError(account ? 'account_disabled' : 'invalid_credentials');
      }
      if (hasSessionEnded(account, begunAt)) {
        await refreshTokens.revoke(begun.token);
        throw new ApiError('sign_in_unknown');
      }
      return { tokens: await tokensOf(account, begun), caller: { userId, role: account.role } };
    },
    refresh: async (refreshToken, admit) => {
      const next = await refreshTokens.rotate(refreshToken, admit);
      const account = await store.byId(next.userId);
      if (!account || account.disabledAt !== undefined) throw new ApiError('invalid_refresh_token');
      return tokensOf(account, next);
    },
    logout: (refreshToken) => refreshTokens.revoke(refreshToken),
  };
}

/** Whether a login to an account needs the same as it did before. */
const needsTheSame = (now: Account, before: Account): boolean =>
  now.passwordHash === before.passwordHash && now.secondFactor?.confirmedAt === before.secondFactor?.confirmedAt;

/**
 * Creates an account.
 * @returns its user's id; undefined if another account has the email
 * @throws ApiError password_too_weak
 */
export async function createAccount(
  { store, passwords }: { store: AccountStore; passwords: Passwords },
  { email, password }: Credentials,
  role: Role,
  admit: () => Promise<void> = async () => {},
): Promise<string | undefined> {
  mustBeHardToGuess(password, { email });
  const userId = randomUUID();
  const passwordHash = await passwords.hash(password);
  await admit();
  const outcome = await store.create({ userId, email, passwordHash, role, createdAt: new Date().toISOString() });
  return outcome === 'created' ? userId : undefined;
}
