import { createHash } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import {
  type IdentityProvider,
  type LogoutNotice,
  ProviderUnavailableError,
  SignInRefusedError,
} from '../../../adapters/identity-provider/identity-provider.ts';
import type { UsedTokens } from '../../../adapters/logins/used-tokens.ts';
import type { Account } from '../../../contracts/account.ts';
import type { AuditTrail } from '../../../contracts/audit.ts';
import { ApiError } from '../../../contracts/errors.ts';
import { signInCodeBody, tokens } from '../../../contracts/http/account-bodies.ts';
import { senderOf } from '../../audit.ts';
import { addressOf } from '../../base-path.ts';
import { bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../../docs/describe-operation.ts';
import { toApiError } from '../../problem.ts';
import { parse } from '../../validate.ts';
import type { Accounts } from '../accounts.ts';
import type { AdminSessions } from '../admin-sessions.ts';
import { fromUser, type LoginRecords, type Way } from '../login-records.ts';
import type { OwnCookie } from '../own-cookie.ts';
import { clientOf } from '../routes.ts';
import { viewOf } from '../view-of.ts';
import { problemPage } from './problem-page.ts';
import type { Entered, ProviderAccounts } from './provider-accounts.ts';
import { type Destination, randomSecret, type SignInAttempts } from './sign-in-attempts.ts';

export const CALLBACK_PATH = '/auth/oidc/callback';

const COOKIE_MS = 24 * 3_600_000;
const RETRY_AFTER_SECONDS = 5;

/** The page that says why somebody is not logged in loads nothing but its style. */
const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    formAction: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

export interface OidcRouterOptions {
  provider: IdentityProvider;
  /** What people call the provider. */
  providerName: string;
  attempts: SignInAttempts;
  people: ProviderAccounts;
  /** Logout tokens that were used. */
  usedTokens: UsedTokens;
  accounts: Pick<Accounts, 'enter'>;
  sessions: Pick<AdminSessions, 'begin'>;
  /** How long a login to the admin's pages lasts at most, in ms. */
  adminSessionMaxMs: number;
  adminCookie: Pick<OwnCookie, 'set'>;
  /** Holds the browser's secret: see SignInAttempts. */
  browserCookie: Pick<OwnCookie, 'read' | 'set'>;
  /** Where people open the chat page, with the base path, without a slash at its end. */
  publicUrl: string;
  /** False if nobody may log in with a password. */
  passwords: boolean;
  limitAddress: (endpoint: string) => RequestHandler;
  trail: Pick<AuditTrail, 'note'>;
  records: LoginRecords;
}

/** The browser's way to the identity provider and back, for the chat page and the admin's pages. These are pages for people. */
export function createOidcPagesRouter(options: OidcRouterOptions): Router {
  const { provider, attempts, people, sessions, browserCookie, publicUrl, limitAddress, trail } = options;
  const { records } = options;

  const recordEntry = (req: Request, { account, roleBefore }: Entered) => {
    const event = fromUser(req, account);
    if (roleBefore === undefined) {
      trail.note({ ...event, action: 'account.register', outcome: 'done', details: { by: 'oidc' } });
    } else if (roleBefore !== account.role) {
      const details = { by: 'oidc', before: roleBefore, after: account.role };
      trail.note({ ...event, action: 'account.role', outcome: 'done', details });
    }
  };

  async function letIn(
    req: Request,
    res: Response,
    account: Account,
    browser: string,
    to: Destination,
    begunAt: number,
  ): Promise<string> {
    if (to.page === 'chat') {
      const code = await attempts.keepSignedIn(browser, { userId: account.userId, begunAt });
      return `/#/signed-in/${code}`;
    }
    if (account.role === 'user') throw new ApiError('forbidden');
    const sessionId = await sessions.begin(account, options.adminSessionMaxMs, begunAt);
    records.loggedIn(req, account, 'oidc_admin_pages');
    options.adminCookie.set(res, sessionId, new URL(publicUrl), options.adminSessionMaxMs);
    return `/admin${to.view === '' ? '' : `#${to.view}`}`;
  }

  function refuse(req: Request, res: Response, error: unknown, to: Destination): void {
    const problem = asApiError(error);
    if (problem.code === 'internal_error') throw error;
    req.log.warn({ code: problem.code, reason: reasonOf(error) }, 'somebody could not log in at the identity provider');
    if (problem.retryAfterSeconds) res.set('Retry-After', String(problem.retryAfterSeconds));
    const query = new URLSearchParams({ ...to });
    res
      .status(problem.status)
      .type('html')
      .send(
        problemPage({
          message: messageOf(problem, options),
          again: `${publicUrl}/auth/oidc/login?${query}`,
          ...(ABOUT_THE_PERSON.has(problem.code) && {
            logOut: { address: `${publicUrl}/auth/oidc/logout?page=${to.page}`, providerName: options.providerName },
          }),
          back: `${publicUrl}${to.page === 'chat' ? '/' : '/admin/login'}`,
          styleSheet: addressOf(req, '/assets/operations.css'),
        }),
      );
  }

  return Router()
    .get('/auth/oidc/login', pagePolicy, limitAddress('oidc-login'), async (req, res) => {
      const to = destinationOf(req);
      try {
        // Several tabs of a browser can log in at the same time.
        const browser = browserCookie.read(req) ?? randomSecret();
        const url = await provider.signInUrl(await attempts.begin(browser, to));
        browserCookie.set(res, browser, new URL(publicUrl), COOKIE_MS);
        res.redirect(303, url.href);
      } catch (error) {
        records.refused(req, undefined, asApiError(error), wayTo(to));
        refuse(req, res, error, to);
      }
    })
    .get(CALLBACK_PATH, pagePolicy, limitAddress('oidc-callback'), async (req, res) => {
      let to: Destination = { page: 'chat', view: '' };
      const begunAt = Date.now();
      try {
        const reply = new URLSearchParams(req.originalUrl.split('?')[1] ?? '');
        const browser = browserCookie.read(req);
        const attempt = browser && (await attempts.take(browser, reply.get('state') ?? ''));
        if (!attempt) throw new ApiError('sign_in_unknown');
        to = { page: attempt.page, view: attempt.view };
        const entered = await people.enter(await provider.redeem(attempt, reply));
        recordEntry(req, entered);
        res.redirect(303, addressOf(req, await letIn(req, res, entered.account, browser, to, begunAt)));
      } catch (error) {
        records.refused(req, undefined, asApiError(error), wayTo(to));
        refuse(req, res, error, to);
      }
    })
    .get('/auth/oidc/logout', limitAddress('oidc-logout'), async (req, res) => {
      const { page } = destinationOf(req);
      const back = `${publicUrl}${page === 'chat' ? '/' : '/admin/login'}`;
      const url = await provider.signOutUrl(back).catch(() => undefined);
      res.redirect(303, url?.href ?? back);
    });
}

/** Where the chat page gets the tokens of a login that has come back. */
export function createOidcRouter(
  options: Pick<OidcRouterOptions, 'attempts' | 'accounts' | 'browserCookie' | 'limitAddress' | 'records'>,
): Router {
  const { attempts, accounts, browserCookie, limitAddress, records } = options;
  return Router().post('/auth/oidc/tokens', limitAddress('oidc-tokens'), async (req, res) => {
    try {
      const { code } = parse(signInCodeBody, req.body);
      const browser = browserCookie.read(req);
      const signedIn = browser && (await attempts.takeSignedIn(browser, code));
      if (!signedIn) throw new ApiError('sign_in_unknown');
      const { tokens, caller } = await accounts.enter(signedIn, clientOf(req));
      records.loggedIn(req, caller, 'oidc');
      res.json(tokens);
    } catch (error) {
      records.refused(req, undefined, error, 'oidc');
      throw error;
    }
  });
}

/** Where the provider says that somebody has logged out there. It is sent as a form, so it comes before what reads JSON. */
export function createBackChannelRouter(
  options: Pick<OidcRouterOptions, 'provider' | 'people' | 'usedTokens' | 'limitAddress' | 'trail'>,
): Router {
  const { provider, people, usedTokens, limitAddress, trail } = options;

  /**
   * Ends the logins of somebody. The token counts as used only once they have ended: if this fails half way, or the process dies, the
   * provider sends it again. Returns whose they were; undefined: we do not know them.
   */
  async function leave({ subject, tokenId, countsForMs }: LogoutNotice): Promise<string | undefined> {
    const idHash = createHash('sha256').update(tokenId).digest('base64url');
    if (await usedTokens.isUsed(idHash)) throw new SignInRefusedError('invalid', 'claim jti');
    const userId = await people.leave(subject);
    await usedTokens.noteUsed(idHash, countsForMs);
    return userId;
  }

  const readForm = express.urlencoded({ extended: false, limit: FORM_BYTES });
  return (
    Router()
      .post(BACK_CHANNEL_PATH, limitAddress('oidc-backchannel'), readForm, async (req, res) => {
        try {
          const { logout_token } = parse(logoutForm, req.body);
          const userId = await leave(await provider.readLogoutToken(logout_token));
          if (userId !== undefined) {
            trail.note({
              ...{ action: 'account.end_logins', actor: { kind: 'system' }, outcome: 'done', details: { by: 'oidc' } },
              ...{ address: senderOf(req).address, subject: { kind: 'account', id: userId } },
            });
          }
        } catch (error) {
          throw asApiError(error);
        }
        res.status(200).end();
      })
      // What comes after this router reads JSON, and would say that a form is none.
      .use(BACK_CHANNEL_PATH, (req, res, next) => {
        if (req.path !== '/') return next();
        res.set('Allow', 'POST');
        throw new ApiError('method_not_allowed');
      })
  );
}

const BACK_CHANNEL_PATH = '/auth/oidc/backchannel-logout';

/** A token of the greatest length, with each character encoded. */
const FORM_BYTES = 128 * 1024;
const logoutForm = z.object({ logout_token: z.string().min(1).max(8_000) });

const destinationOf = (req: Request): Destination => ({
  page: req.query.page === 'admin' ? 'admin' : 'chat',
  view: viewOf(req.query.view),
});

const wayTo = ({ page }: Destination): Way => (page === 'chat' ? 'oidc' : 'oidc_admin_pages');

function asApiError(error: unknown): ApiError {
  if (error instanceof ProviderUnavailableError) {
    return new ApiError('identity_unavailable', { cause: error, retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  if (error instanceof SignInRefusedError) {
    return new ApiError(error.refusal === 'assurance' ? 'assurance_missing' : 'identity_refused', { cause: error });
  }
  return toApiError(error);
}

/** Safe to log. */
const reasonOf = (error: unknown): string | undefined =>
  error instanceof SignInRefusedError || error instanceof ProviderUnavailableError ? error.reason : undefined;

function messageOf({ code, retryAfterSeconds }: ApiError, options: OidcRouterOptions): string {
  const { providerName: name } = options;
  if (code === 'identity_unavailable') {
    const other = options.passwords ? ' If you have a password here, log in with it meanwhile.' : '';
    return `${name} cannot be reached at the moment. Try again in a few seconds.${other} If it lasts, tell those who run this service.`;
  }
  if (code === 'identity_refused') {
    return `${name} did not let you in, or its reply is not valid. Try again. If it happens again, tell those who run this service.`;
  }
  if (code === 'assurance_missing') {
    return `This service needs a stronger login than the one that ${name} has made. Log out there, then log in with your second factor.`;
  }
  if (code === 'sign_in_unknown') {
    return 'This login has taken longer than ten minutes, was used before, or began in another browser. Begin again.';
  }
  if (code === 'forbidden') return 'This account may not use these pages.';
  if (code === 'account_disabled') return 'This account is disabled. Ask those who run this service.';
  if (code === 'rate_limited') return `Too many tries. Wait ${retryAfterSeconds} seconds.`;
  return 'Logins are not possible at the moment. Try again soon.';
}

/** While the login at the provider lasts, each further try ends with the same. */
const ABOUT_THE_PERSON: ReadonlySet<string> = new Set(['forbidden', 'account_disabled', 'assurance_missing']);

const tags = ['Accounts'];
/** The OpenAPI description of these routes. */
export const oidcPaths: ZodOpenApiPathsObject = {
  '/auth/oidc/tokens': {
    post: {
      tags,
      summary: 'Get the tokens of a login at the identity provider',
      description:
        'The chat page sends the code that its address has after the login. The code works once, for a minute, in the browser that has logged in.',
      operationId: 'redeemSignIn',
      requestBody: jsonBody(signInCodeBody),
      responses: {
        200: json('An access token, and a refresh token to get the next pair with.', tokens, rateLimitHeaders),
        ...problems(
          ...(['validation_failed', ...bodyFaults, 'sign_in_unknown', 'invalid_credentials'] as const),
          ...(['account_disabled', 'rate_limited', 'store_unavailable'] as const),
        ),
      },
    },
  },
  [BACK_CHANNEL_PATH]: {
    post: {
      tags,
      summary: 'Tell us that somebody has logged out at the identity provider',
      description:
        'For the identity provider only (OpenID Connect Back-Channel Logout). All logins of that person end at once. A token counts ' +
        'once. If the reply is not `200`, send it again.',
      operationId: 'backChannelLogout',
      requestBody: { required: true, content: { 'application/x-www-form-urlencoded': { schema: logoutForm } } },
      responses: {
        200: { description: 'Their logins have ended, if they had any.' },
        ...problems(
          ...(['validation_failed', 'identity_refused', 'payload_too_large', 'unsupported_media_type'] as const),
          ...(['rate_limited', 'store_unavailable', 'identity_unavailable'] as const),
        ),
      },
    },
  },
};
