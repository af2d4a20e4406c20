import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { EndedLogins } from '../../adapters/logins/ended-logins.ts';
import { createRedisAdminSessionStore } from '../../adapters/logins/redis-admin-session-store.ts';
import { createRedisEndedLogins } from '../../adapters/logins/redis-ended-logins.ts';
import { createRedisTextAccessStore } from '../../adapters/logins/redis-text-access-store.ts';
import { createRedisTicketStore } from '../../adapters/logins/redis-ticket-store.ts';
import type { TextAccessStore } from '../../adapters/logins/text-access-store.ts';
import type { TicketStore } from '../../adapters/logins/ticket-store.ts';
import { createDispatcher } from '../../adapters/model/http/dispatcher.ts';
import type { Redis, Subscriber } from '../../adapters/redis/redis.ts';
import { createAdminCookie } from '../../api/auth/admin-cookie.ts';
import { createAdminSessions, type RoleOf } from '../../api/auth/admin-sessions.ts';
import { type Authentication, createAuthentication } from '../../api/auth/authenticate.ts';
import type { OwnCookie } from '../../api/auth/own-cookie.ts';
import { createRecordRefusal } from '../../api/auth/refusal-records.ts';
import { rememberTokens } from '../../api/auth/remember-tokens.ts';
import { tokenSecretsOf } from '../../api/auth/token-secrets.ts';
import { createTokenVerifier } from '../../api/auth/verify-tokens.ts';
import { createRedeemTicket, type RedeemTicket } from '../../api/realtime/tickets.ts';
import type { ApiConfig } from '../../config/settings.ts';
import { hasSessionEnded, isRoleConfirmed, lacksSecondFactor, roleInForce } from '../../contracts/account.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import type { Outbox } from '../../contracts/mail.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Logger } from '../../observability/log.ts';
import { type AccountParts, createAccountParts } from './accounts.ts';
import { claimsOf } from './claims.ts';
import type { LastingStores } from './stores.ts';

/** How far the clocks of several api processes may differ. */
const CLOCK_MARGIN_MS = 60_000;

/** The parts that find out who sends a request, limit how often they may, and let them log in. */
export function createAuthenticationParts(options: {
  config: ApiConfig;
  redis: Redis;
  subscriber: Subscriber;
  stores: Pick<LastingStores, 'accounts' | 'refreshFamilies'>;
  trail: AuditTrail;
  seals: TextSeals;
  /** undefined: no mails are sent. */
  outbox: Outbox | undefined;
  logger: Logger;
}): Authentication & {
  endedLogins: EndedLogins;
  redeemTicket: RedeemTicket;
  adminCookie: OwnCookie;
  tickets: TicketStore;
  textAccess: TextAccessStore;
} & AccountParts {
  const { config, redis, subscriber, stores, trail, seals, outbox, logger } = options;
  const endedLogins = createRedisEndedLogins({
    redis,
    subscriber,
    keepMs: config.accessTokenTtlMs + config.jwtClockToleranceMs + CLOCK_MARGIN_MS,
    logger,
  });
  const secrets = tokenSecretsOf({ ...config, logger });
  const verifyToken = rememberTokens(
    createTokenVerifier({
      keys: config.jwtJwksUrl ? { jwksUrl: config.jwtJwksUrl, dispatcher: createDispatcher(config) } : { secrets },
      rules: {
        issuer: config.jwtIssuer,
        audiences: config.jwtAudience,
        audienceClaim: config.jwtAudienceClaim,
        ...claimsOf(config),
        clockToleranceMs: config.jwtClockToleranceMs,
      },
    }),
  );
  const tickets = createRedisTicketStore({ redis });
  const { staffSecondFactor } = config;
  const roleOf = config.jwtJwksUrl ? undefined : createRoleOf(stores.accounts, config);
  const adminSessions = createAdminSessions({
    store: createRedisAdminSessionStore({ redis }),
    idleMs: config.adminIdleTimeoutMs,
    roleOf,
  });
  const adminCookie = createAdminCookie({ basePath: config.basePath, overHttp: config.adminOverHttp });
  const textAccess = createRedisTextAccessStore({ redis });
  const authentication = createAuthentication({
    ...{ verifyToken, hasEnded: endedLogins.has, adminSessions, adminCookie, roleOf },
    ...(!config.jwtJwksUrl && {
      lacksSecondFactor: async (userId: string) => {
        const account = await stores.accounts.byId(userId);
        return account !== undefined && lacksSecondFactor(account, staffSecondFactor);
      },
    }),
    onRefused: createRecordRefusal({ trail }),
    hasTextAccess: async (userId) => (await textAccess.left(userId)) !== undefined,
  });
  const { authenticate } = authentication;
  return {
    ...authentication,
    endedLogins,
    adminCookie,
    tickets,
    textAccess,
    redeemTicket: createRedeemTicket({ tickets, hasEnded: endedLogins.has }),
    ...createAccountParts({
      ...{ config, secrets, redis, verifyToken, stores, adminSessions, adminCookie },
      ...{ authenticate, trail, seals, outbox, logger },
      endLogin: endedLogins.end,
    }),
  };
}

const createRoleOf =
  (accounts: AccountStore, rules: Pick<ApiConfig, 'staffSecondFactor' | 'oidcRoleTtlMs'>): RoleOf =>
  async (userId, begunAt = Number.POSITIVE_INFINITY) => {
    const account = await accounts.byId(userId);
    if (!account || account.disabledAt !== undefined || !isRoleConfirmed(account, rules.oidcRoleTtlMs))
      return undefined;
    if (hasSessionEnded(account, begunAt)) return undefined;
    return roleInForce(account, rules.staffSecondFactor);
  };
