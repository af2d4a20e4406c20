import { type RequestHandler, Router } from 'express';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { createRedisOneTimeEntries } from '../../adapters/accounts/redis-one-time-entries.ts';
import type { ProviderUnavailableError } from '../../adapters/identity-provider/identity-provider.ts';
import { createOpenIdProvider } from '../../adapters/identity-provider/openid-provider.ts';
import { createRedisUsedTokens } from '../../adapters/logins/redis-used-tokens.ts';
import { createDispatcher } from '../../adapters/model/http/dispatcher.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import type { AccountNotices } from '../../api/auth/account-notices.ts';
import type { Accounts } from '../../api/auth/accounts.ts';
import type { AdminSessions } from '../../api/auth/admin-sessions.ts';
import type { LoginRecords } from '../../api/auth/login-records.ts';
import type { Logins } from '../../api/auth/logins.ts';
import { createProviderAccounts } from '../../api/auth/oidc/provider-accounts.ts';
import {
  CALLBACK_PATH,
  createBackChannelRouter,
  createOidcPagesRouter,
  createOidcRouter,
} from '../../api/auth/oidc/routes.ts';
import { createSignInAttempts, type SignedIn, type SignInAttempt } from '../../api/auth/oidc/sign-in-attempts.ts';
import { createOwnCookie, type OwnCookie } from '../../api/auth/own-cookie.ts';
import type { ApiConfig } from '../../config/settings.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { Logger } from '../../observability/log.ts';
import { claimsOf } from './claims.ts';

/** The login at an identity provider; undefined: there is none. */
export function createOidcParts(options: {
  config: ApiConfig;
  redis: Redis;
  store: AccountStore;
  logins: Logins;
  accounts: Accounts;
  adminSessions: AdminSessions;
  adminCookie: OwnCookie;
  limitAddress: (endpoint: string) => RequestHandler;
  notices: AccountNotices;
  trail: AuditTrail;
  records: LoginRecords;
  logger: Logger;
}): { router: Router; backChannel: Router } | undefined {
  const { config, redis, store, logins, notices, logger } = options;
  const { oidcIssuer: issuer, publicUrl } = config;
  if (!issuer || !publicUrl) return undefined;
  const ourUrl = publicUrl.replace(/\/+$/, '');
  const provider = createOpenIdProvider({
    issuer,
    clientId: config.oidcClientId,
    clientSecret: config.oidcClientSecret,
    redirectUrl: `${ourUrl}${CALLBACK_PATH}`,
    scopes: config.oidcScopes,
    acrValues: config.oidcAcrValues,
    maxAgeMs: config.oidcMaxAgeMs,
    clockToleranceMs: config.jwtClockToleranceMs,
    dispatcher: createDispatcher(config),
  });
  provider.prepare().catch(({ reason }: ProviderUnavailableError) => {
    logger.warn(
      { issuer, reason },
      'the identity provider is not available: nobody can log in there. Each login asks it again',
    );
  });
  const people = createProviderAccounts({
    ...{ store, issuer, logins, notices },
    rules: claimsOf(config),
  });
  const parts = {
    ...{ ...options, provider, people },
    usedTokens: createRedisUsedTokens({ redis }),
    providerName: config.oidcName,
    attempts: createSignInAttempts({
      attempts: createRedisOneTimeEntries<SignInAttempt>({ redis, keyOf: redisKeys.signInAttempt }),
      signedIn: createRedisOneTimeEntries<SignedIn>({ redis, keyOf: redisKeys.signedIn }),
    }),
    sessions: options.adminSessions,
    adminSessionMaxMs: config.adminSessionMaxMs,
    browserCookie: createOwnCookie({
      name: 'healify_browser',
      value: /[\w-]{43}/,
      // The browser comes back from another site.
      sameSite: 'lax',
      basePath: config.basePath,
      overHttp: config.adminOverHttp,
    }),
    publicUrl: ourUrl,
    passwords: config.passwordLogin,
  };
  return {
    router: Router().use(createOidcPagesRouter(parts), createOidcRouter(parts)),
    backChannel: createBackChannelRouter(parts),
  };
}
