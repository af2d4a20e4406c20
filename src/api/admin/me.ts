import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { rightsOf, type StaffRole } from '../../contracts/admin-rights.ts';
import { type AdminMe, adminMe } from '../../contracts/http/admin-me.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';

/**
 * `/me` of the admin's API: what the caller may do here.
 * @param options.requireAdmin lets everybody pass who may enter `/admin`
 */
export function createAdminMeRouter(options: { requireAdmin: RequestHandler }): Router {
  return Router().get('/me', options.requireAdmin, (req, res) => {
    const { userId, role } = req.user!;
    res.json({ userId, role: role as StaffRole, may: rightsOf(role as StaffRole) } satisfies AdminMe);
  });
}

/** The OpenAPI description of this route. */
export const adminMePaths: ZodOpenApiPathsObject = {
  '/admin/me': {
    get: {
      tags: ['Admin'],
      security: bearer,
      summary: 'See what you may do here',
      operationId: 'showAdminMe',
      responses: {
        200: json('Your role, and what it may do.', adminMe),
        ...problems('unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
};
