import { type RequestHandler, Router } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import { refuseCrossOrigin } from './same-origin.ts';

/**
 * The admin's pages, to be mounted at `/admin`.
 * @param parts the login first, then what only an admin sees
 */
export function createAdminRouter(...parts: Router[]): Router {
  const router = Router();
  router.use(refuseCrossOrigin);
  router.get('/', (_req, res) => res.redirect(303, '/admin/queues'));
  for (const part of parts) router.use(part);
  return router;
}

/** Sends a person who is not logged in as an admin to the login, and answers a program with the error. */
export const orLogin =
  (requireAdmin: RequestHandler): RequestHandler =>
  (req, res, next) =>
    requireAdmin(req, res, (error?: unknown) => {
      const person = req.method === 'GET' && req.accepts('json', 'html') === 'html';
      const refused = error instanceof ApiError && (error.code === 'unauthenticated' || error.code === 'forbidden');
      if (person && refused) res.redirect(303, '/admin/login?expired');
      else next(error);
    });
