import { createSecretKey } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import jwt from 'jsonwebtoken';
import passport from 'passport';
import {
  ExtractJwt,
  type SecretOrKeyProvider,
  Strategy,
  type StrategyOptionsWithoutRequest,
  type VerifyCallback,
} from 'passport-jwt';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';
import type { Caller, TokenClaims } from './access-tokens.ts';
import { createProviderKeys, KeysUnavailableError } from './provider-keys.ts';

declare global {
  namespace Express {
    interface User extends Caller {}
  }
}

/** How tokens are checked: with our own secret, or with the keys that an identity provider publishes. */
export type TokenKey = { secret: string } | { jwksUrl: string };

/** The cookie that the admin's pages use; sent to /admin only, and by no other site. */
export const ADMIN_COOKIE = 'healify_admin';

const RETRY_AFTER_SECONDS = 5;

export interface Authentication {
  /** Sets `req.user` from `Authorization: Bearer`, else answers 401. */
  authenticate: RequestHandler;
  /** The same, and takes the admin's cookie as well; 403 for whoever is no admin. */
  requireAdmin: RequestHandler;
}

/** Reads access tokens. The algorithm is ours to say, never the token's. */
export function createAuthentication(options: TokenClaims & { key: TokenKey }): Authentication {
  const { key, issuer, audience } = options;
  const fromHeader = ExtractJwt.fromAuthHeaderAsBearerToken();
  const authenticator = new passport.Passport();
  const useStrategy = (name: string, jwtFromRequest: (req: Request) => string | null) => {
    const how: StrategyOptionsWithoutRequest = { jwtFromRequest, issuer, audience, ...checkedWith(key) };
    authenticator.use(name, new Strategy(how, readCaller));
    return authenticateWith(authenticator, name);
  };
  const authenticate = useStrategy('bearer', fromHeader);
  const authenticateAdmin = useStrategy('admin', (req) => fromHeader(req) ?? fromCookie(req));

  return {
    authenticate,
    requireAdmin: (req, res, next) =>
      authenticateAdmin(req, res, (error?: unknown) => {
        if (error) return next(error);
        next(req.user?.role === 'admin' ? undefined : new ApiError('forbidden'));
      }),
  };
}

function checkedWith(key: TokenKey) {
  if ('secret' in key) {
    // A key that is made once; of a text one is made for each token. The types know texts only.
    const secretOrKey = createSecretKey(key.secret, 'utf8') as unknown as Buffer;
    return { secretOrKey, algorithms: ['HS256' as const] };
  }
  const { jwksUrl } = key;
  const keys = createProviderKeys(jwksUrl);
  const secretOrKeyProvider: SecretOrKeyProvider = (_req, token: string, done) =>
    void keys.keyOf(jwt.decode(token, { complete: true })?.header.kid).then(
      (found) => done(null, found),
      (error) => done(error),
    );
  return { secretOrKeyProvider, algorithms: ['RS256' as const] };
}

const readCaller: VerifyCallback = (claims: { sub?: unknown; role?: unknown }, done) => {
  const { sub, role } = claims;
  if (typeof sub !== 'string' || sub.length === 0 || sub.length > limits.idChars) return done(null, false);
  done(null, { userId: sub, role: role === 'admin' ? 'admin' : 'user' });
};

function authenticateWith(authenticator: passport.Authenticator, name: string): RequestHandler {
  return (req, res, next) => {
    const answer = (error: unknown, user?: Express.User | false, info?: unknown) => {
      if (error) return next(error);
      if (user) {
        req.user = user;
        return next();
      }
      if (info instanceof KeysUnavailableError) {
        return next(new ApiError('identity_unavailable', { cause: info, retryAfterSeconds: RETRY_AFTER_SECONDS }));
      }
      res.set('WWW-Authenticate', 'Bearer');
      next(new ApiError('unauthenticated'));
    };
    authenticator.authenticate(name, { session: false }, answer)(req, res, next);
  };
}

const fromCookie = (req: Request) =>
  new RegExp(`(?:^|;\\s*)${ADMIN_COOKIE}=([\\w.-]+)`).exec(req.get('Cookie') ?? '')?.[1] ?? null;
