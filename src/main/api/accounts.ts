import { type RequestHandler, Router } from 'express';
import { createRedisOneTimeEntries } from '../../adapters/accounts/redis-one-time-entries.ts';
import { createRedisLoginTries } from '../../adapters/logins/redis-login-tries.ts';
import { createRedisRateLimit } from '../../adapters/rate-limits/redis-rate-limit.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { createLoginRouter, type LogIn, logInWithAccount, logInWithToken } from '../../api/admin/login.ts';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { createAccounts } from '../../api/auth/accounts.ts';
import type { AdminSessions } from '../../api/auth/admin-sessions.ts';
import { createGuardLogin, type GuardLogin, LOGIN_TRIES_RULES } from '../../api/auth/guard-login.ts';
import { createInvites, type Invite, type Invites } from '../../api/auth/invites.ts';
import { createLoginRecords } from '../../api/auth/login-records.ts';
import { createLoginsRouter } from '../../api/auth/login-routes.ts';
import { createLogins } from '../../api/auth/logins.ts';
import { type AccountAdmin, createAccountAdmin } from '../../api/auth/manage-accounts.ts';
import { createMayRegister } from '../../api/auth/may-register.ts';
import type { OwnCookie } from '../../api/auth/own-cookie.ts';
import {
  createPasswordReset,
  type PasswordReset,
  RESET_MAIL_RULES,
  type ResetWish,
} from '../../api/auth/password-reset.ts';
import { createPasswordResetRouter } from '../../api/auth/password-reset-routes.ts';
import { createPasswordRouter } from '../../api/auth/password-routes.ts';
import { createPasswords, type Passwords } from '../../api/auth/passwords.ts';
import { createRefreshTokens } from '../../api/auth/refresh-tokens.ts';
import { createAccountsRouter } from '../../api/auth/routes.ts';
import { createSecondFactors } from '../../api/auth/second-factor.ts';
import { createSecondFactorRouter } from '../../api/auth/second-factor-routes.ts';
import type { SetPasswordOptions } from '../../api/auth/set-password.ts';
import type { VerifyToken } from '../../api/auth/verify-tokens.ts';
import { byAddress, byUser, limitRoute, useLimit } from '../../api/rate-limit.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import type { Outbox } from '../../contracts/mail.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Logger } from '../../observability/log.ts';
import type { LastingStores } from './stores.ts';

export interface AccountParts {
  /** undefined if an identity provider has the accounts, as the next. */
  accounts: Router | undefined;
  accountAdmin: AccountAdmin | undefined;
  invites: Invites;
  /** What checks a user's password. */
  password: { passwords: Passwords; guardLogin: GuardLogin } | undefined;
  /** The login of the admin's pages. */
  login: Router;
}

/** @param options.secrets the first signs access tokens */
export function createAccountParts(options: {
  config: ApiConfig;
  secrets: readonly string[];
  redis: Redis;
  verifyToken: VerifyToken;
  stores: Pick<LastingStores, 'accounts' | 'refreshFamilies'>;
  adminSessions: AdminSessions;
  adminCookie: OwnCookie;
  /** Ends the access tokens of a login. */
  endLogin: (loginId: string) => Promise<void>;
  authenticate: RequestHandler;
  trail: AuditTrail;
  seals: TextSeals;
  /** undefined: no mails are sent. */
  outbox: Outbox | undefined;
  logger: Logger;
}): AccountParts {
  const { config, secrets, redis, verifyToken, stores, adminSessions, adminCookie } = options;
  const { endLogin, authenticate, trail, seals, outbox, logger } = options;
  const invites = createInvites({
    store: createRedisOneTimeEntries<Invite>({ redis, keyOf: redisKeys.invite }),
    ttlMs: config.inviteTtlMs,
  });
  const records = createLoginRecords({ trail, accounts: config.jwtJwksUrl ? undefined : stores.accounts });
  const limitOf = (name: string) => createRedisRateLimit({ redis, name, perMinute: config.rateLoginPerMinute });
  const limitAddress = (name: string): RequestHandler => limitRoute(limitOf(name), byAddress);
  const maxMs = config.adminSessionMaxMs;
  const loginRouter = (accounts: boolean, logIn: LogIn) =>
    createLoginRouter({
      logIn,
      sessions: adminSessions,
      accounts,
      limitAddress: limitAddress('admin-login'),
      overHttp: config.adminOverHttp,
      cookie: adminCookie,
      records,
    });

  if (config.jwtJwksUrl) {
    const login = loginRouter(false, logInWithToken({ verifyToken, maxMs }));
    return { accounts: undefined, accountAdmin: undefined, invites, password: undefined, login };
  }
  const passwords = createPasswords();
  const logins = createLogins({ families: stores.refreshFamilies, endLogin });
  const guardLogin = createGuardLogin(createRedisLoginTries({ redis, rules: LOGIN_TRIES_RULES }));
  const secondFactors = createSecondFactors({
    store: stores.accounts,
    seals,
    guard: guardLogin,
    onRecoveryCode: (userId) =>
      trail.note({
        ...{ action: 'account.second_factor', actor: { kind: 'user', userId }, outcome: 'done' },
        subject: { kind: 'account', id: userId },
        details: { after: 'recovery_code_used' },
      }),
  });
  const { staffSecondFactor } = config;
  const accounts = createAccounts({
    ...{ store: stores.accounts, passwords, secondFactors, staffSecondFactor },
    accessTokens: createAccessTokens({
      secret: secrets[0]!,
      issuer: config.jwtIssuer,
      audience: config.jwtAudience[0]!,
      ttlMs: config.accessTokenTtlMs,
    }),
    refreshTokens: createRefreshTokens({
      store: stores.refreshFamilies,
      graceMs: config.refreshGraceMs,
      maxMs: config.loginMaxMs,
      endFamily: logins.endFamily,
      onReuse: (userId) =>
        trail.note({
          ...{ action: 'login.end', actor: { kind: 'system' }, outcome: 'done' },
          subject: { kind: 'account', id: userId },
          details: { count: 1, code: 'refresh_token_reused' },
        }),
    }),
  });
  const [perLogin, unknownTokens] = [limitOf('refresh'), limitOf('unknown-refresh-token')];
  const readLimit = createRedisRateLimit({ redis, name: 'read', perMinute: config.rateReadPerMinute });
  const limitUser = limitRoute(readLimit, byUser);
  const reset = createReset({ config, redis, outbox, logger, store: stores.accounts, passwords, logins });
  return {
    accounts: Router().use(
      createAccountsRouter({
        accounts,
        limitAddress,
        limitLogin: (loginId, res) => useLimit(perLogin, loginId, res),
        limitUnknown: (address, res) => useLimit(unknownTokens, address, res),
        mayRegister: createMayRegister({ ...config, invites }),
        offer: { registration: config.registration, passwordReset: reset !== undefined },
        guardLogin,
        trail,
        records,
      }),
      createLoginsRouter({ logins, authenticate, limitUser, trail }),
      createPasswordResetRouter({ reset, limitAddress, trail }),
      createPasswordRouter({
        store: stores.accounts,
        ...{ passwords, logins, authenticate, limitUser, guardLogin, trail },
      }),
      createSecondFactorRouter({
        store: stores.accounts,
        ...{ secondFactors, staffSecondFactor, passwords, logins, authenticate, limitUser, guardLogin, trail },
      }),
    ),
    accountAdmin: createAccountAdmin({ store: stores.accounts, logins }),
    invites,
    password: { passwords, guardLogin },
    login: loginRouter(true, logInWithAccount({ check: accounts.check, staffSecondFactor, guardLogin, maxMs })),
  };
}

function createReset(
  options: SetPasswordOptions & { config: ApiConfig; redis: Redis; outbox: Outbox | undefined; logger: Logger },
): PasswordReset | undefined {
  const { config, redis, outbox, logger, ...accounts } = options;
  if (!outbox) return undefined;
  return createPasswordReset({
    ...accounts,
    wishes: createRedisOneTimeEntries<ResetWish>({ redis, keyOf: redisKeys.resetWish }),
    asks: createRedisLoginTries({ redis, rules: RESET_MAIL_RULES, keyOf: redisKeys.resetAsks }),
    outbox,
    publicUrl: config.publicUrl!,
    ttlMs: config.passwordResetTtlMs,
    onError: (error) => logger.error({ err: error }, 'a mail to choose another password could not be made'),
  });
}
