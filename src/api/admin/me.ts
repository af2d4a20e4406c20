import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { TextAccessStore } from '../../adapters/logins/text-access-store.ts';
import { rightsOf, type StaffRole } from '../../contracts/admin-rights.ts';
import { type AdminMe, adminMe } from '../../contracts/http/admin-me.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';

/**
 * `/me` of the admin's API: what the caller may do here.
 * @param options.requireAdmin lets everybody pass who may enter `/admin`
 */
export function createAdminMeRouter(options: {
  access: Pick<TextAccessStore, 'left'>;
  requireAdmin: RequestHandler;
}): Router {
  return Router().get('/me', options.requireAdmin, async (req, res) => {
    const { userId, role } = req.user!;
    const leftMs = await options.access.left(userId);
    res.json({
      ...{ userId, role: role as StaffRole, may: rightsOf(role as StaffRole, leftMs !== undefined) },
      textAccessUntil: leftMs === undefined ? null : new Date(Date.now() + leftMs).toISOString(),
    } satisfies AdminMe);
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
        ...problems(
          'unauthenticated',
          'forbidden',
          'second_factor_missing',
          'store_unavailable',
          'identity_unavailable',
        ),
      },
    },
  },
};
