import type { Request, RequestHandler } from 'express';
import passport from 'passport';
import { ExtractJwt } from 'passport-jwt';
import type { Logger } from 'pino';
import { KeysUnavailableError } from '../../adapters/identity-provider/provider-keys.ts';
import type { Caller, VerifiedToken } from '../../contracts/account.ts';
import { type Allowed, allowedFor } from '../../contracts/admin-rights.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { AdminSessions, RoleOf } from './admin-sessions.ts';
import { endsOf } from './all-logins.ts';
import type { OwnCookie } from './own-cookie.ts';
import type { RecordRefusal } from './refusal-records.ts';
import { TokenRefusedError, type VerifyToken } from './verify-tokens.ts';

declare global {
  namespace Express {
    /** Somebody with an access token has all fields of it. */
    interface User extends Caller, Partial<Pick<VerifiedToken, 'loginId' | 'expiresAt' | 'authenticatedAt'>> {}
  }
}

/** A page sends it with what it asks for by itself, again and again. Such a request keeps no admin's login alive. */
export const BACKGROUND_HEADER = 'X-Background';

const RETRY_AFTER_SECONDS = 5;

/** Says whose a token is; undefined: it is refused, and the log says why. @throws ApiError identity_unavailable */
export type IdentifyToken = (token: string, log: Pick<Logger, 'info'>) => Promise<VerifiedToken | undefined>;

export interface Authentication {
  identify: IdentifyToken;
  /** Sets `req.user` from `Authorization: Bearer`, or answers 401. */
  authenticate: RequestHandler;
  /**
   * Does the same, but also accepts the cookie of the admin's pages. A caller whose role may not do this at `/admin` gets 403, see
   * `adminRights`. Where nobody may do anything, the router goes on as if it had no such route.
   */
  requireAdmin: RequestHandler;
}

/**
 * Finds out who sends a request.
 * @param options.hasEnded whether a login has ended, although its tokens have not expired
 * @param options.adminCookie holds the id of a session of the admin's pages
 * @param options.roleOf see createAdminSessions
 * @param options.lacksSecondFactor whether a user's role does not count for want of a second factor
 * @param options.onRefused hears who tried what their role may not do; `right` is undefined if nobody may do it
 * @param options.hasTextAccess whether a user has taken access to texts in an emergency; left out: nobody can
 */
export function createAuthentication(options: {
  verifyToken: VerifyToken;
  hasEnded: (loginId: string) => boolean;
  adminSessions: Pick<AdminSessions, 'find'>;
  adminCookie: Pick<OwnCookie, 'read'>;
  roleOf?: RoleOf | undefined;
  hasTextAccess?: (userId: string) => Promise<boolean>;
  lacksSecondFactor?: (userId: string) => Promise<boolean>;
  onRefused?: RecordRefusal;
}): Authentication {
  const { verifyToken, hasEnded, adminSessions, adminCookie, roleOf } = options;
  const { hasTextAccess = async () => false, lacksSecondFactor = async () => false, onRefused } = options;
  const extractToken = ExtractJwt.fromAuthHeaderAsBearerToken();

  const identify: IdentifyToken = async (token, log) => {
    try {
      const verified = await verifyToken(token);
      if (!endsOf(verified).some(hasEnded)) return verified;
      log.info({ reason: 'login ended' }, 'a token was refused');
    } catch (error) {
      if (error instanceof KeysUnavailableError) {
        throw new ApiError('identity_unavailable', { cause: error, retryAfterSeconds: RETRY_AFTER_SECONDS });
      }
      if (!(error instanceof TokenRefusedError)) throw error;
      log.info({ reason: error.reason, algorithm: error.algorithm }, 'a token was refused');
    }
    return undefined;
  };

  async function callerByToken(req: Request): Promise<Caller | undefined> {
    const token = hasOneAuthorization(req) ? extractToken(req) : null;
    return token === null ? undefined : await identify(token, req.log);
  }

  async function admin(req: Request): Promise<Caller | undefined> {
    if (req.get('Authorization') !== undefined) {
      const caller = await callerByToken(req);
      if (!caller || !roleOf) return caller;
      const role = await roleOf(caller.userId);
      return role && { ...caller, role };
    }
    const sessionId = adminCookie.read(req);
    if (sessionId === undefined) return undefined;
    return adminSessions.find(sessionId, { active: req.get(BACKGROUND_HEADER) === undefined });
  }

  /** Returns why a request may not go on; undefined: it may. */
  async function admit(req: Request): Promise<ApiError | 'router' | undefined> {
    const { userId, role } = req.user!;
    const allowed = allowedFor(req.method, req.baseUrl + req.path);
    const refuse = (error: ApiError) => {
      onRefused?.(req, allowed?.right, error);
      return error;
    };
    if (role === 'user')
      return refuse(new ApiError((await lacksSecondFactor(userId)) ? 'second_factor_missing' : 'forbidden'));
    if (!allowed) return 'router';
    if (allowed.roles.includes(role) || (allowed.inEmergency && (await hasTextAccess(userId)))) return undefined;
    return refuse(new ApiError('forbidden', { detail: detailFor(allowed) }));
  }

  const authenticator = new passport.Passport();
  authenticator.use('bearer', new CallerStrategy(callerByToken));
  authenticator.use('admin', new CallerStrategy(admin));
  const authenticateAdmin = authenticateWith(authenticator, 'admin');

  return {
    identify,
    authenticate: authenticateWith(authenticator, 'bearer'),
    requireAdmin: (req, res, next) =>
      authenticateAdmin(req, res, (error?: unknown) => {
        if (error) return next(error);
        admit(req).then(next, next);
      }),
  };
}

const detailFor = ({ roles, inEmergency }: Allowed) =>
  `Your role may not do this. It is for: ${roles.join(', ').replaceAll('_', ' ')}.` +
  (inEmergency ? ' In an emergency, take access first: POST /admin/texts/access.' : '');

/** A function that finds out who sends a request, in the form that Passport wants. */
class CallerStrategy extends passport.Strategy {
  // `private` and not `#`, because Passport calls `authenticate` on an object that only inherits from this one.
  private readonly identify: (req: Request) => Promise<Caller | undefined>;

  constructor(identify: (req: Request) => Promise<Caller | undefined>) {
    super();
    this.identify = identify;
  }

  override authenticate(req: Request): void {
    this.identify(req).then(
      (caller) => (caller ? this.success(caller) : this.fail()),
      (error) => this.error(error),
    );
  }
}

function authenticateWith(authenticator: passport.Authenticator, name: string): RequestHandler {
  return (req, res, next) => {
    const answer = (error: unknown, user?: Express.User | false) => {
      if (error) return next(error);
      if (user) {
        req.user = user;
        return next();
      }
      res.set('WWW-Authenticate', 'Bearer');
      next(new ApiError('unauthenticated'));
    };
    authenticator.authenticate(name, { session: false }, answer)(req, res, next);
  };
}

/**
 * Node keeps only the first of several such headers, but a proxy may have checked another one. So we accept none of
 * them.
 */
const hasOneAuthorization = ({ rawHeaders }: Request) =>
  rawHeaders.filter((name, i) => i % 2 === 0 && name.length === 13 && name.toLowerCase() === 'authorization').length ===
  1;
