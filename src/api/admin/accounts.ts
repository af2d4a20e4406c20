import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { ApiError } from '../../contracts/errors.ts';
import { type AdminAccount, accountBody, adminAccount } from '../../contracts/http/admin-account-bodies.ts';
import type { AccountAdmin } from '../auth/manage-accounts.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/**
 * `/accounts` of the admin's API.
 * @param options.requireAdmin lets only admins pass
 */
export function createAdminAccountsRouter(options: { accounts: AccountAdmin; requireAdmin: RequestHandler }): Router {
  const { accounts, requireAdmin } = options;

  const answerWith =
    (use: (email: string) => Promise<AdminAccount | undefined>): RequestHandler =>
    async (req, res) => {
      const account = await use(parse(accountBody, req.body ?? {}).email);
      if (!account) throw new ApiError('not_found', { detail: 'No account has this email.' });
      res.json(account);
    };

  return Router()
    .use('/accounts', requireAdmin, readJsonBody)
    .post('/accounts/find', answerWith(accounts.find))
    .post('/accounts/disable', answerWith(accounts.disable))
    .post('/accounts/enable', answerWith(accounts.enable))
    .post('/accounts/end-logins', answerWith(accounts.endLogins));
}

const operation = (operationId: string, summary: string, description?: string) => ({
  post: {
    tags: ['Admin'],
    security: bearer,
    summary,
    ...(description && { description }),
    operationId,
    requestBody: jsonBody(accountBody),
    responses: {
      200: json('The account, as it is now.', adminAccount),
      ...problems('validation_failed', 'unauthenticated', 'forbidden', 'not_found', 'store_unavailable', ...bodyFaults),
    },
  },
});

/** The OpenAPI description of these routes. */
export const adminAccountPaths: ZodOpenApiPathsObject = {
  '/admin/accounts/find': operation('findAccount', 'Find an account by its email'),
  '/admin/accounts/disable': operation(
    'disableAccount',
    'Disable an account',
    'Ends all of its logins at once. Nobody can log in to it until it is enabled. Its conversations stay.',
  ),
  '/admin/accounts/enable': operation('enableAccount', 'Enable an account again'),
  '/admin/accounts/end-logins': operation('endLoginsOfAccount', 'End all logins of an account at once'),
};
