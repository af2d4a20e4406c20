import { type RequestHandler, Router } from 'express';
import helmet from 'helmet';
import { ApiError } from '../../contracts/errors.ts';
import type { OwnCookie } from '../auth/own-cookie.ts';
import { addressOf } from '../base-path.ts';
import { refuseCrossOrigin } from './same-origin.ts';

/**
 * The admin's pages, to be mounted at `/admin`.
 * @param parts the login first, then the parts that only admins see
 */
export function createAdminRouter(...parts: Router[]): Router {
  const router = Router();
  router.use(sendReferrerToUs, refuseCrossOrigin);
  for (const part of parts) router.use(part);
  return router;
}

/**
 * Makes the browser tell our own server where a request comes from. Helmet's policy forbids even that, and then the
 * browser sends the origin `null`.
 */
const sendReferrerToUs = helmet.referrerPolicy({ policy: 'same-origin' });

/** Sends a person who is not logged in as an admin to the login page. A program gets the error. */
export const orLogin =
  (requireAdmin: RequestHandler, cookie: Pick<OwnCookie, 'read'>): RequestHandler =>
  (req, res, next) =>
    requireAdmin(req, res, (error?: unknown) => {
      const person = req.method === 'GET' && req.accepts('json', 'html') === 'html';
      const refused = error instanceof ApiError && (error.code === 'unauthenticated' || error.code === 'forbidden');
      // Only somebody who was logged in before is told that the login has expired.
      const expired = cookie.read(req) ? '?expired' : '';
      if (person && refused) res.redirect(303, addressOf(req, `/admin/login${expired}`));
      else next(error);
    });
