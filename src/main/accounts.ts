import type { Router } from 'express';
import type { Redis } from 'ioredis';
import { createRedisUserStore } from '../adapters/users/redis-user-store.ts';
import { createLoginRouter, logInWithAccount, logInWithToken } from '../api/admin/login.ts';
import { createAccessTokens, type TokenClaims } from '../api/auth/access-tokens.ts';
import { createAccounts } from '../api/auth/accounts.ts';
import { createPasswords } from '../api/auth/passwords.ts';
import { createRefreshTokens } from '../api/auth/refresh-tokens.ts';
import { createAccountsRouter } from '../api/auth/routes.ts';
import { byAddress, createRateLimit, limitRoute } from '../api/rate-limit.ts';
import type { ApiConfig } from '../config/schema.ts';

/** The accounts' routes, absent where an identity provider has the accounts, and the admin's login. */
export function createAccountRouters(options: {
  config: ApiConfig;
  claims: TokenClaims;
  secret: string;
  redis: Redis;
}): { accounts: Router | undefined; login: Router } {
  const { config, claims, secret, redis } = options;
  const limitOf = (endpoint: string) => createRateLimit({ redis, endpoint, perMinute: config.loginPerMinute });
  const limitAddress = (endpoint: string) => limitRoute(limitOf(endpoint), byAddress);
  const loginRouter = (accounts: boolean, logIn: Parameters<typeof createLoginRouter>[0]['logIn']) =>
    createLoginRouter({
      logIn,
      accounts,
      limitAddress: limitAddress('admin-login'),
      secure: config.nodeEnv === 'production',
    });

  if (config.jwksUrl) {
    return { accounts: undefined, login: loginRouter(false, logInWithToken(config.accessTokenTtlMs / 1000)) };
  }
  const accessTokens = createAccessTokens({ ...claims, secret, ttlMs: config.accessTokenTtlMs });
  const accounts = createAccounts({
    users: createRedisUserStore({ redis }),
    passwords: createPasswords(),
    accessTokens,
    refreshTokens: createRefreshTokens({ redis, ttlMs: config.refreshTokenTtlMs }),
  });
  const perEmail = limitOf('login-email');
  return {
    accounts: createAccountsRouter({ accounts, limitAddress, limitEmail: perEmail.use }),
    login: loginRouter(
      true,
      logInWithAccount({
        check: accounts.check,
        limitEmail: perEmail.use,
        sign: accessTokens.sign,
        ttlSeconds: accessTokens.ttlSeconds,
      }),
    ),
  };
}
