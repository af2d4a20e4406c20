import type { Request, RequestHandler, Response } from 'express';
import type { RateLimit, RateLimitUse } from '../adapters/rate-limits/rate-limit.ts';
import { ApiError } from '../contracts/errors.ts';
import { clientAddress } from './client-address.ts';

/**
 * Counts one use of a limit. The `RateLimit` headers of the reply say what is left.
 * @throws ApiError rate_limited
 * @throws StoreUnavailableError
 */
export async function useLimit(limit: RateLimit, key: string, res: Response): Promise<void> {
  const { name, quota, windowSeconds } = limit;
  const used = await limit.use(key);
  res.set('RateLimit-Policy', `"${name}";q=${quota};w=${windowSeconds}`);
  res.set('RateLimit', `"${name}";r=${used.remaining};t=${secondsLeft(used)}`);
  mustBeAllowed(used);
}

/** The same where there are no headers. */
export async function mustBeWithin(limit: RateLimit, key: string): Promise<void> {
  mustBeAllowed(await limit.use(key));
}

const secondsLeft = ({ windowEndsInMs }: RateLimitUse) => Math.ceil(windowEndsInMs / 1000);

function mustBeAllowed(used: RateLimitUse): void {
  if (!used.allowed) throw new ApiError('rate_limited', { retryAfterSeconds: Math.max(1, secondsLeft(used)) });
}

/** Limits a route. Requests for which `keyOf` returns the same key share the limit. */
export const limitRoute =
  (limit: RateLimit, keyOf: (req: Request) => string): RequestHandler =>
  async (req, res, next) => {
    await useLimit(limit, keyOf(req), res);
    next();
  };

export const byUser = (req: Request) => req.user!.userId;
export const byAddress = (req: Request) => clientAddress(req);
