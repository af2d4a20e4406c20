import type { RequestHandler } from 'express';
import { ApiError } from '../../contracts/errors.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a page of another site has its visitor's browser send. Browsers say whence a request comes; what says
 * nothing is no browser, and has no cookie to be misused.
 */
export const refuseCrossOrigin: RequestHandler = (req, _res, next) => {
  if (SAFE_METHODS.has(req.method)) return next();
  const site = req.get('Sec-Fetch-Site');
  const origin = req.get('Origin');
  const foreign =
    site !== undefined
      ? site !== 'same-origin' && site !== 'none'
      : origin !== undefined && hostOf(origin) !== req.get('Host');
  next(foreign ? new ApiError('forbidden') : undefined);
};

const hostOf = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined);
