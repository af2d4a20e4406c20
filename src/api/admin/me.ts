import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { TextAccessStore } from '../../adapters/logins/text-access-store.ts';
import { shownEmail } from '../../contracts/account.ts';
import { rightsOf, type StaffRole } from '../../contracts/admin-rights.ts';
import { type AdminMe, adminMe } from '../../contracts/http/admin-me.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';

/**
 * `/me` of the admin's API: who the caller is, and what they may do here.
 * @param options.accounts undefined: an identity provider has them
 * @param options.requireAdmin lets everybody pass who may enter `/admin`
 */
export function createAdminMeRouter(options: {
  access: Pick<TextAccessStore, 'left'>;
  accounts: Pick<AccountStore, 'byId'> | undefined;
  requireAdmin: RequestHandler;
}): Router {
  return Router().get('/me', options.requireAdmin, async (req, res) => {
    const { userId, role } = req.user!;
    const [leftMs, account] = await Promise.all([options.access.left(userId), options.accounts?.byId(userId)]);
    res.json({
      email: (account && shownEmail(account)) ?? null,
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
      summary: 'See who you are, and what you may do here',
      operationId: 'showAdminMe',
      responses: {
        200: json('Your email, your role, and what it may do.', adminMe),
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
