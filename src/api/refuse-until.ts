import { Router } from 'express';
import { StoreUnavailableError } from '../contracts/errors.ts';

/**
 * Closes routers until something is known that they depend on. Until then, each request is answered with 503.
 * @param why what is not known yet, for the caller
 * @returns wraps a router in one that is closed until then
 */
export function refuseUntil(ready: Promise<unknown>, why: string): (router: Router) => Router {
  let isReady = false;
  void ready.then(() => {
    isReady = true;
  });
  return (router) =>
    Router().use((_req, _res, next) => {
      if (!isReady) throw new StoreUnavailableError(why);
      next();
    }, router);
}
