import { randomUUID } from 'node:crypto';
import type { User, UserStore } from '../../adapters/accounts/user-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { Passwords } from './passwords.ts';
import type { RefreshToken, RefreshTokens } from './refresh-tokens.ts';

export interface Credentials {
  /** Lower case. */
  email: string;
  password: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  tokenType: 'Bearer';
  /** Seconds. */
  expiresIn: number;
  userId: string;
}

/** The accounts of this API. All methods reject with StoreUnavailableError where the store is out of reach. */
export interface Accounts {
  /** @throws ApiError email_taken */
  register(credentials: Credentials, role: User['role']): Promise<{ userId: string; email: string }>;
  /** @throws ApiError invalid_credentials */
  check(credentials: Credentials): Promise<User>;
  /** @throws ApiError invalid_credentials */
  login(credentials: Credentials): Promise<Tokens>;
  /** @throws ApiError invalid_refresh_token, refresh_token_reused */
  refresh(refreshToken: string): Promise<Tokens>;
  /** Ends the login, with all of its tokens. A token that is not one of a login's ends nothing. */
  logout(refreshToken: string): Promise<void>;
}

export function createAccounts(options: {
  users: UserStore;
  passwords: Passwords;
  accessTokens: AccessTokens;
  refreshTokens: RefreshTokens;
}): Accounts {
  const { users, passwords, accessTokens, refreshTokens } = options;

  async function tokensOf(user: User, { token, loginId, issuedAt }: RefreshToken): Promise<Tokens> {
    const { ttlSeconds } = accessTokens;
    const now = Math.floor(Date.now() / 1000);
    // Tabs that refresh together get the same access token, unless half of its time is over.
    const from = Math.abs(now - issuedAt) * 2 < ttlSeconds ? issuedAt : now;
    return {
      accessToken: await accessTokens.sign(user, loginId, from),
      refreshToken: token,
      tokenType: 'Bearer',
      expiresIn: Math.min(ttlSeconds, from + ttlSeconds - now),
      userId: user.userId,
    };
  }

  async function check({ email, password }: Credentials): Promise<User> {
    const user = await users.byEmail(email);
    if (!(await passwords.verify(password, user?.passwordHash)) || !user) throw new ApiError('invalid_credentials');
    return user;
  }

  return {
    check,
    register: ({ email, password }, role) => registerUser({ users, passwords }, { email, password }, role),
    login: async (credentials) => {
      const user = await check(credentials);
      return tokensOf(user, await refreshTokens.issue(user.userId));
    },
    refresh: async (refreshToken) => {
      const next = await refreshTokens.rotate(refreshToken);
      const user = await users.byId(next.userId);
      if (!user) throw new ApiError('invalid_refresh_token');
      return tokensOf(user, next);
    },
    logout: (refreshToken) => refreshTokens.revoke(refreshToken),
  };
}

/** Makes an account. @throws ApiError email_taken */
export async function registerUser(
  { users, passwords }: { users: UserStore; passwords: Passwords },
  { email, password }: Credentials,
  role: User['role'],
): Promise<{ userId: string; email: string }> {
  const userId = randomUUID();
  const passwordHash = await passwords.hash(password);
  const outcome = await users.create({ userId, email, passwordHash, role, createdAt: new Date().toISOString() });
  if (outcome === 'email_taken') throw new ApiError('email_taken');
  return { userId, email };
}
