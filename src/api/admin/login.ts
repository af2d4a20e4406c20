import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { z } from 'zod';
import { KeysUnavailableError } from '../../adapters/identity-provider/provider-keys.ts';
import { type Account, type Caller, lacksSecondFactor, type SecondFactorRule } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import { loginBody } from '../../contracts/http/account-bodies.ts';
import type { LoginCredentials } from '../auth/accounts.ts';
import type { AdminSessions } from '../auth/admin-sessions.ts';
import type { GuardLogin } from '../auth/guard-login.ts';
import type { LoginRecords } from '../auth/login-records.ts';
import type { OwnCookie } from '../auth/own-cookie.ts';
import { TokenRefusedError, type VerifyToken } from '../auth/verify-tokens.ts';
import { viewOf } from '../auth/view-of.ts';
import { addressOf } from '../base-path.ts';
import { clientAddress } from '../client-address.ts';
import { toApiError } from '../problem.ts';
import { askedAddress, isOnOwnMachine, isPlainHttp, pageOrigin } from '../transport.ts';
import { loginPage } from './login-page.ts';

/**
 * Finds out who logs in with a form, and how long the session may last at most, in ms.
 * @param address of the client, see clientAddress
 * @throws ApiError invalid_credentials, second_factor_required, wrong_code, second_factor_missing, rate_limited, overloaded, identity_unavailable
 */
export type LogIn = (form: unknown, address: string) => Promise<Caller & { maxMs: number }>;

const FORM_BYTES = 16 * 1024;
const PLAIN_HTTP =
  'This page came over plain http, and browsers keep the cookie of this login over https only. Open the page over ' +
  'https. If it is https already, the proxy must send X-Forwarded-Proto, and TRUST_PROXY must be set. In a network that you ' +
  'trust, ADMIN_OVER_HTTP=true lets you log in over http.';

const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/**
 * `/login` and `/logout` of the admin's pages. The session's id is kept in a cookie. Scripts cannot read the cookie,
 * and a page of another site cannot make the browser send it.
 * @param options.overHttp whether admins may log in over plain http from other machines
 */
export function createLoginRouter(options: {
  logIn: LogIn;
  sessions: AdminSessions;
  /** False if an identity provider has the accounts. */
  accounts: boolean;
  limitAddress: RequestHandler;
  /** Whether anybody may log in with a password. */
  passwords: boolean;
  /** What people call the identity provider at which they can log in as well. undefined: nowhere. */
  providerName: string | undefined;
  overHttp: boolean;
  cookie: OwnCookie;
  records: LoginRecords;
}): Router {
  const { logIn, sessions, accounts, passwords, providerName, limitAddress, overHttp, cookie, records } = options;
  /** Browsers keep the cookie for their own machine even over plain http. */
  const isRefused = (req: Request) => !overHttp && isPlainHttp(req) && !isOnOwnMachine(askedAddress(req));
  const showPage = (
    req: Request,
    res: Response,
    options: { view: string; message?: string | undefined; isLeft?: boolean },
  ) => {
    const notice = isRefused(req) ? PLAIN_HTTP : undefined;
    const { view, message, isLeft = false } = options;
    res.type('html').send(
      loginPage({
        view,
        message,
        fields: !accounts ? 'token' : passwords ? 'password' : undefined,
        provider: providerName === undefined ? undefined : { name: providerName, isLeft, ...addressesFor(req, view) },
        notice,
        action: addressOf(req, '/admin/login'),
        styleSheet: addressOf(req, '/assets/operations.css'),
      }),
    );
  };

  return Router()
    .get('/login', pagePolicy, (req, res) => {
      const message = req.query.expired === undefined ? undefined : 'Log in to go on.';
      const view = viewOf(req.query.view);
      // The provider lets somebody back at once whose login there has not ended.
      if (message && !passwords && providerName !== undefined) res.redirect(303, addressesFor(req, view).logIn);
      else showPage(req, res, { view, message, isLeft: req.query.left !== undefined });
    })
    .post(
      '/login',
      pagePolicy,
      limitAddress,
      express.urlencoded({ extended: false, limit: FORM_BYTES }),
      async (req, res) => {
        const view = viewOf(req.body?.view);
        if (isRefused(req)) {
          showPage(req, res.status(403), { view, message: 'You are not logged in.' });
          return;
        }
        const begunAt = Date.now();
        try {
          const { maxMs, ...caller } = await logIn(req.body, clientAddress(req));
          if (caller.role === 'user') throw new ApiError('forbidden');
          const sessionId = await sessions.begin(caller, maxMs, begunAt);
          records.loggedIn(req, caller, 'admin_pages');
          cookie.set(res, sessionId, pageOrigin(req), maxMs);
          res.redirect(303, addressOf(req, `/admin${view === '' ? '' : `#${view}`}`));
        } catch (error) {
          records.refused(req, emailOf(req.body), error, 'admin_pages');
          const problem = toApiError(error);
          if (problem.code === 'internal_error') throw error;
          if (problem.retryAfterSeconds) res.set('Retry-After', String(problem.retryAfterSeconds));
          showPage(req, res.status(problem.status), {
            view,
            message: messageOf(problem, accounts, addressOf(req, '/#/account')),
          });
        }
      },
    )
    .post('/logout', async (req, res) => {
      const sessionId = cookie.read(req);
      if (sessionId !== undefined) await sessions.end(sessionId);
      cookie.clear(req, res);
      res.redirect(303, addressOf(req, `/admin/login${providerName === undefined ? '' : '?left'}`));
    });
}

/** @param account the address where people set up a second factor */
function messageOf(error: ApiError, accounts: boolean, account: string): string {
  if (error.code === 'forbidden') return 'This account may not use these pages.';
  if (error.code === 'second_factor_required') return 'This account needs the code of your authenticator app, too.';
  if (error.code === 'wrong_code') return 'The code is wrong, or was used before. Wait for the next one.';
  if (error.code === 'second_factor_missing')
    return `Your role needs an authenticator app. Log in to the chat page and <a href="${account}">set it up</a> first.`;
  if (error.code === 'account_disabled') return 'This account is disabled.';
  if (error.code === 'password_login_off') return 'Nobody logs in with a password here.';
  if (error.code === 'rate_limited') return `Too many tries. Wait ${error.retryAfterSeconds} seconds.`;
  if (error.code === 'overloaded') return 'Too busy. Try again in a moment.';
  if (error.code === 'identity_unavailable') return 'The identity provider cannot be reached. Try again in a moment.';
  if (error.status === 503) return 'Logins are not possible at the moment. Try again soon.';
  return accounts ? 'Email or password is wrong.' : 'This token is not valid, or has expired.';
}

const emailOf = (form: unknown): string | undefined => {
  const read = loginBody.safeParse(form);
  return read.success ? read.data.email : undefined;
};

/** Where the identity provider lets people in and out. */
const addressesFor = (req: Request, view: string) => ({
  logIn: addressOf(req, `/auth/oidc/login?${new URLSearchParams({ page: 'admin', ...(view && { view }) })}`),
  logOut: addressOf(req, '/auth/oidc/logout?page=admin'),
});

/** Lets nobody in, because people log in at an identity provider only. */
export const logInWithoutPassword: LogIn = async () => {
  throw new ApiError('password_login_off');
};

/** Logs in with an account of this API. */
export const logInWithAccount =
  (options: {
    checkIn: (credentials: LoginCredentials) => Promise<Account>;
    staffSecondFactor: SecondFactorRule;
    guardLogin: GuardLogin;
    maxMs: number;
  }): LogIn =>
  async (form, address) => {
    const credentials = loginBody.safeParse(form);
    if (!credentials.success) throw new ApiError('invalid_credentials');
    const who = { address, account: credentials.data.email };
    const account = await options.guardLogin(who, () => options.checkIn(credentials.data));
    if (lacksSecondFactor(account, options.staffSecondFactor)) throw new ApiError('second_factor_missing');
    const { userId, role } = account;
    return { userId, role, maxMs: options.maxMs };
  };

const tokenForm = z.object({ token: z.string().trim().min(1).max(8_000) });

/** Logs in with a token of the identity provider, for at most as long as the token is valid. */
export const logInWithToken =
  (options: { verifyToken: VerifyToken; maxMs: number }): LogIn =>
  async (form) => {
    const parsed = tokenForm.safeParse(form);
    if (!parsed.success) throw new ApiError('invalid_credentials');
    try {
      const { userId, role, expiresAt } = await options.verifyToken(parsed.data.token);
      return { userId, role, maxMs: Math.max(1, Math.min(options.maxMs, expiresAt * 1000 - Date.now())) };
    } catch (error) {
      if (error instanceof TokenRefusedError) throw new ApiError('invalid_credentials', { cause: error });
      if (error instanceof KeysUnavailableError) throw new ApiError('identity_unavailable', { cause: error });
      throw error;
    }
  };
