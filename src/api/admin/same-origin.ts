import type { Request, RequestHandler } from 'express';
import { ApiError } from '../../contracts/errors.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses requests that a page of another site makes its visitor's browser send. Browsers say where a request comes
 * from. A request that does not say so comes from a program, which has no cookie that could be misused.
 *
 * A login may pass even if the browser hides its origin (`null`), which happens if a proxy sets a strict referrer
 * policy. An attacker gains nothing from this: a login needs a password, and uses no cookie.
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

/**
 * Whether a page of this origin is ours: its host must be the one that the client asked for. A trusted proxy may change
 * the host, and then names the original one in `X-Forwarded-Host`, often without the port.
 */
function isOurs(req: Request, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { host, hostname } = new URL(origin);
  const asked = [req.get('Host'), req.host].map((name) => name?.toLowerCase());
  if (asked.includes(host) || asked.map(withoutDefaultPort).includes(host)) return true;
  const trusts: (address: string | undefined, hop: number) => boolean = req.app.get('trust proxy fn');
  return trusts(req.socket.remoteAddress, 0) && asked[1] === hostname;
}

const withoutDefaultPort = (host: string | undefined) => host?.replace(/:(?:80|443)$/, '');
