import { type RequestHandler, Router } from 'express';
import { createRedisMailedLinks } from '../../adapters/accounts/mailed-links.ts';
import { createRedisOneTimeEntries } from '../../adapters/accounts/redis-one-time-entries.ts';
import { createRedisLoginTries } from '../../adapters/logins/redis-login-tries.ts';
import { createRedisRateLimit } from '../../adapters/rate-limits/redis-rate-limit.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import {
  createLoginRouter,
  type LogIn,
  logInWithAccount,
  logInWithoutPassword,
  logInWithToken,
} from '../../api/admin/login.ts';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { createAccountNotices, noNotices } from '../../api/auth/account-notices.ts';
import { createAccounts } from '../../api/auth/accounts.ts';
import type { AdminSessions } from '../../api/auth/admin-sessions.ts';
import { createEmailProofRouter } from '../../api/auth/email-proof-routes.ts';
import { createEmailProofs, createMayAsk, EMAIL_PROOF_MS, type MayAsk } from '../../api/auth/email-proofs.ts';
import { createGuardLogin, type GuardLogin, LOGIN_TRIES_RULES } from '../../api/auth/guard-login.ts';
import { createInvites, type Invite, type Invites } from '../../api/auth/invites.ts';
import { createLoginRecords, fromUser } from '../../api/auth/login-records.ts';
import { createLoginsRouter } from '../../api/auth/login-routes.ts';
import { createLogins } from '../../api/auth/logins.ts';
import { createMailLinks, MAIL_RULES } from '../../api/auth/mail-links.ts';
import { type AccountAdmin, createAccountAdmin } from '../../api/auth/manage-accounts.ts';
import { createMayRegister } from '../../api/auth/may-register.ts';
import type { OwnCookie } from '../../api/auth/own-cookie.ts';
import { createPasswordBarrier } from '../../api/auth/password-barrier.ts';
import { createPasswordReset, type ResetWish } from '../../api/auth/password-reset.ts';
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
import { createOidcParts } from './oidc.ts';
import type { LastingStores } from './stores.ts';

export interface AccountParts {
  /** undefined if an identity provider has the accounts, as the next. */
  accounts: Router | undefined;
  /** Where the identity provider tells us of logouts. undefined: nobody logs in there. */
  backChannel: Router | undefined;
  accountAdmin: AccountAdmin | undefined;
  invites: Invites;
  /** What checks a user's password. */
  password: { passwords: Passwords; guardLogin: GuardLogin } | undefined;
  mayAsk: MayAsk;
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
      passwords: config.passwordLogin,
      providerName: config.oidcIssuer ? config.oidcName : undefined,
      overHttp: config.adminOverHttp,
      cookie: adminCookie,
      records,
    });

  if (config.jwtJwksUrl) {
    const login = loginRouter(false, logInWithToken({ verifyToken, maxMs }));
    return {
      accounts: undefined,
      backChannel: undefined,
      accountAdmin: undefined,
      invites,
      password: undefined,
      mayAsk: async () => {},
      login,
    };
  }
  const passwords = createPasswords();
  const logins = createLogins({ families: stores.refreshFamilies, endLogin });
  const guardLogin = createGuardLogin(createRedisLoginTries({ redis, rules: LOGIN_TRIES_RULES }));
  const notices = outbox ? createAccountNotices({ outbox, publicUrl: config.publicUrl! }) : noNotices;
  const secondFactors = createSecondFactors({
    store: stores.accounts,
    notices,
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
    providerLoginMaxMs: config.oidcLoginMaxMs,
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
  const { reset, proofs } = createMailParts({
    config,
    redis,
    outbox,
    logger,
    store: stores.accounts,
    passwords,
    logins,
    notices,
  });
  const oidc = createOidcParts({
    ...{ config, redis, accounts, adminSessions, adminCookie, limitAddress, trail, records, logger },
    ...{ store: stores.accounts, logins, notices },
  });
  return {
    backChannel: oidc?.backChannel,
    accounts: Router().use(
      ...(config.passwordLogin ? [] : [createPasswordBarrier()]),
      ...(oidc ? [oidc.router] : []),
      createAccountsRouter({
        accounts,
        limitAddress,
        limitLogin: (loginId, res) => useLimit(perLogin, loginId, res),
        limitUnknown: (address, res) => useLimit(unknownTokens, address, res),
        mayRegister: createMayRegister({ ...config, invites }),
        offer: {
          registration: config.passwordLogin ? config.registration : 'closed',
          passwordLogin: config.passwordLogin,
          identityProvider: oidc ? { name: config.oidcName } : null,
          passwordReset: config.passwordLogin && reset !== undefined,
          verifiedMail: proofs !== undefined,
        },
        askForProof: async (email, req) =>
          proofs?.ask(email, (account) =>
            trail.note({ ...fromUser(req, account), action: 'account.proof_mail', outcome: 'done' }),
          ),
        guardLogin,
        trail,
        records,
      }),
      createLoginsRouter({ logins, authenticate, limitUser, trail }),
      createEmailProofRouter({ proofs, store: stores.accounts, authenticate, limitUser, limitAddress, trail }),
      createPasswordResetRouter({ reset, limitAddress, trail }),
      createPasswordRouter({
        store: stores.accounts,
        ...{ passwords, logins, notices, authenticate, limitUser, guardLogin, trail },
      }),
      createSecondFactorRouter({
        store: stores.accounts,
        ...{ secondFactors, staffSecondFactor, passwords, logins, authenticate, limitUser, guardLogin, trail },
      }),
    ),
    accountAdmin: createAccountAdmin({ store: stores.accounts, logins, notices }),
    invites,
    password: { passwords, guardLogin },
    mayAsk: proofs ? createMayAsk(stores.accounts) : async () => {},
    login: loginRouter(
      true,
      config.passwordLogin
        ? logInWithAccount({ checkIn: accounts.checkIn, staffSecondFactor, guardLogin, maxMs })
        : logInWithoutPassword,
    ),
  };
}

/** What needs mails; undefined: there are none of this kind. */
function createMailParts(
  options: SetPasswordOptions & { config: ApiConfig; redis: Redis; outbox: Outbox | undefined; logger: Logger },
) {
  const { config, redis, outbox, logger, ...accounts } = options;
  if (!outbox) return { reset: undefined, proofs: undefined };
  const onError = (error: unknown) => logger.error({ err: error }, 'a mail with a link could not be made');
  const mailedLinks = createRedisMailedLinks({ redis });
  const linksFor = (kind: {
    route: string;
    ttlMs: number;
    entry: (hash: string) => string;
    asks: (hash: string) => string;
  }) =>
    createMailLinks<ResetWish>({
      ...{ route: kind.route, ttlMs: kind.ttlMs, publicUrl: config.publicUrl!, onError },
      entries: createRedisOneTimeEntries({ redis, keyOf: kind.entry }),
      note: (email, tokenHash, ttlMs) => mailedLinks.note(email, kind.entry(tokenHash), ttlMs),
      asks: createRedisLoginTries({ redis, rules: MAIL_RULES, keyOf: kind.asks }),
    });
  const ttlMs = config.passwordResetTtlMs;
  const resetLinks = linksFor({ route: 'reset', ttlMs, entry: redisKeys.resetWish, asks: redisKeys.resetAsks });
  const reset = createPasswordReset({ ...accounts, links: resetLinks, outbox, ttlMs });
  if (config.verifiedMail === 'off') return { reset, proofs: undefined };
  const proofKeys = { entry: redisKeys.emailProof, asks: redisKeys.emailProofAsks };
  const links = linksFor({ route: 'verify', ttlMs: EMAIL_PROOF_MS, ...proofKeys });
  return { reset, proofs: createEmailProofs({ store: accounts.store, links, outbox }) };
}
