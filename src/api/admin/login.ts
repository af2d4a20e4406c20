import express, { type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { z } from 'zod';
import { ApiError } from '../../contracts/errors.ts';
import { loginBody } from '../../contracts/http.ts';
import { ADMIN_COOKIE } from '../auth/authenticate.ts';
import { LOGIN_STYLE_HASH, loginPage } from './login-page.ts';

/** Gives a token for what the form holds. @throws ApiError invalid_credentials, forbidden, rate_limited, overloaded */
export type LogIn = (form: unknown, res: Response) => Promise<{ token: string; ttlSeconds: number }>;

const FORM_BYTES = 16 * 1024;

const pagePolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: [LOGIN_STYLE_HASH],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/**
 * `/login` and `/logout` of the admin's pages. The token goes into a cookie that scripts cannot read, and that no other
 * site's page can have sent.
 * @param options.secure whether the cookie is sent over https only
 */
export function createLoginRouter(options: {
  logIn: LogIn;
  /** False where an identity provider has the accounts. */
  accounts: boolean;
  limitAddress: RequestHandler;
  secure: boolean;
}): Router {
  const { logIn, accounts, limitAddress, secure } = options;
  const cookie = { httpOnly: true, sameSite: 'strict', path: '/admin', secure } as const;
  const showPage = (res: Response, message?: string) => res.type('html').send(loginPage({ accounts, message }));

  return Router()
    .get('/login', pagePolicy, (req, res) => {
      showPage(res, req.query.expired === undefined ? undefined : 'Log in as an admin to go on.');
    })
    .post(
      '/login',
      pagePolicy,
      limitAddress,
      express.urlencoded({ extended: false, limit: FORM_BYTES }),
      async (req, res) => {
        try {
          const { token, ttlSeconds } = await logIn(req.body, res);
          res.cookie(ADMIN_COOKIE, token, { ...cookie, maxAge: ttlSeconds * 1000 }).redirect(303, '/admin/queues');
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          if (error.retryAfterSeconds) res.set('Retry-After', String(error.retryAfterSeconds));
          showPage(res.status(error.status), messageOf(error));
        }
      },
    )
    .post('/logout', (_req, res) => {
      res.clearCookie(ADMIN_COOKIE, cookie).redirect(303, '/admin/login');
    });
}

function messageOf(error: ApiError): string {
  if (error.code === 'forbidden') return 'This account is not an admin’s.';
  if (error.code === 'rate_limited') return 'Too many tries. Wait a minute.';
  return error.code === 'overloaded' ? 'Too busy. Try again in a moment.' : 'Email or password is wrong.';
}

/** Logs in with an account of this API. */
export const logInWithAccount =
  (options: {
    check: (credentials: { email: string; password: string }) => Promise<{ userId: string; role: 'user' | 'admin' }>;
    limitEmail: (email: string, res: Response) => Promise<void>;
    sign: (caller: { userId: string; role: 'user' | 'admin' }) => string;
    ttlSeconds: number;
  }): LogIn =>
  async (form, res) => {
    const credentials = loginBody.safeParse(form);
    if (!credentials.success) throw new ApiError('invalid_credentials');
    await options.limitEmail(credentials.data.email, res);
    const user = await options.check(credentials.data);
    if (user.role !== 'admin') throw new ApiError('forbidden');
    return { token: options.sign(user), ttlSeconds: options.ttlSeconds };
  };

const tokenForm = z.object({
  token: z
    .string()
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    .max(4_000),
});

/** Takes a token of the identity provider; each page then checks it. */
export const logInWithToken =
  (ttlSeconds: number): LogIn =>
  async (form) => {
    const parsed = tokenForm.safeParse(form);
    if (!parsed.success) throw new ApiError('invalid_credentials');
    return { token: parsed.data.token, ttlSeconds };
  };
