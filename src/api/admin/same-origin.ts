import type { Request, RequestHandler } from 'express';
import { ApiError } from '../../contracts/errors.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a page of another site has its visitor's browser send. Browsers say whence a request comes; what says
 * nothing is no browser, and has no cookie to be misused.
 *
 * The login is let pass where the browser keeps its origin to itself (`null`), as it does if a proxy has set a referrer
 * policy that asks for that. Nothing is gained by it: a login needs a password, and uses no cookie.
 */
export const refuseCrossOrigin: RequestHandler = (req, _res, next) => {
  if (SAFE_METHODS.has(req.method)) return next();
  const site = req.get('Sec-Fetch-Site');
  const origin = req.get('Origin');
  const foreign =
    site !== undefined
      ? site !== 'same-origin' && site !== 'none'
      : origin !== undefined && !(origin === 'null' ? isLogin(req) : isOurs(req, origin));
  next(foreign ? new ApiError('forbidden') : undefined);
};

const isLogin = (req: Request) => /^\/log(?:in|out)\/?$/i.test(req.path);

/** The host that the client has asked for; a trusted proxy may pass on another, and says which it was asked for. */
function isOurs(req: Request, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { host, hostname, port } = new URL(origin);
  if (host === req.get('Host')?.toLowerCase() || host === withoutDefaultPort(req.host)) return true;
  // Such a proxy may leave the port to a header of its own.
  const trustsProxy = req.host !== req.get('Host');
  return trustsProxy && hostname === req.host?.toLowerCase() && port === req.get('X-Forwarded-Port');
}

const withoutDefaultPort = (host: string | undefined) => host?.toLowerCase().replace(/:(?:80|443)$/, '');
