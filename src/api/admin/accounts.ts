import { type RequestHandler, Router } from 'express';
import type { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditAction, AuditDetails, AuditTrail } from '../../contracts/audit.ts';
import type { ApiErrorCode } from '../../contracts/error-codes.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  type AccountList,
  type AdminAccount,
  accountBody,
  accountList,
  accountListBody,
  accountRoleBody,
  adminAccount,
  invite,
  nameIn,
} from '../../contracts/http/admin-account-bodies.ts';
import { auditedFor, filterOf, senderOf } from '../audit.ts';
import type { Invites } from '../auth/invites.ts';
import type { AccountAdmin } from '../auth/manage-accounts.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/**
 * `/accounts` of the admin's API.
 * @param options.requireAdmin lets those pass whose role may do this
 */
export function createAdminAccountsRouter(options: {
  accounts: AccountAdmin;
  invites: Pick<Invites, 'make'>;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
}): Router {
  const { accounts, invites, trail, requireAdmin } = options;
  const find = async (name: string) => orNotFound(await accounts.find(name));

  /**
   * Changes the account that the body names.
   * @param notOwn why nobody may do this to their own account; left out: they may
   */
  const changing =
    (
      action: AuditAction,
      change: (name: string, by: string) => Promise<AdminAccount | undefined>,
      { notOwn, details }: { notOwn?: string; details?: AuditDetails } = {},
    ): RequestHandler =>
    async (req, res) => {
      const name = nameIn(parse(accountBody, req.body ?? {}));
      const { userId } = req.user!;
      const found = await find(name);
      if (notOwn !== undefined && found.userId === userId) throw new ApiError('forbidden', { detail: notOwn });
      const event = { action, subject: subjectOf(found), ...(details && { details }) };
      res.json(orNotFound(await auditedFor({ req, trail }, event, () => change(name, userId))));
    };

  return Router()
    .use('/accounts', requireAdmin, readJsonBody)
    .post('/accounts/invite', async (req, res) => {
      res.status(201).json(await auditedFor({ req, trail }, { action: 'account.invite' }, invites.make));
    })
    .post('/accounts/list', async (req, res) => {
      const listing = parse(accountListBody, req.body);
      const list = await accounts.list(listing);
      // Neither the part of an email nor the cursor, which is one, goes to the trail.
      const { search, cursor: _, ...filter } = listing;
      trail.note({
        ...{ ...senderOf(req), action: 'account.list', outcome: 'done' },
        details: { count: list.accounts.length, filter: filterOf({ ...filter, searched: search !== undefined }) },
      });
      res.json(list satisfies AccountList);
    })
    .post('/accounts/find', async (req, res) => {
      res.json(await find(nameIn(parse(accountBody, req.body ?? {}))));
    })
    .post('/accounts/disable', changing('account.disable', accounts.disable, { notOwn: OWN_DISABLED }))
    .post('/accounts/enable', changing('account.enable', accounts.enable))
    .post('/accounts/end-logins', changing('account.end_logins', accounts.endLogins))
    .post(
      '/accounts/reset-second-factor',
      changing('account.second_factor', accounts.resetSecondFactor, {
        notOwn: OWN_SECOND_FACTOR,
        details: { after: 'removed' },
      }),
    )
    .post('/accounts/role', async (req, res) => {
      const body = parse(accountRoleBody, req.body ?? {});
      const { role } = body;
      const name = nameIn(body);
      const found = await find(name);
      if (found.userId === req.user!.userId) throw new ApiError('forbidden', { detail: OWN_ROLE });
      const event = {
        ...{ action: 'account.role' as const, subject: subjectOf(found) },
        details: { before: found.role, after: role },
      };
      res.json(
        orNotFound(await auditedFor({ req, trail }, event, () => accounts.setRole(name, role, req.user!.userId))),
      );
    });
}

const OWN_ROLE = 'Nobody changes the role of their own account. Ask another admin, or use npm run users.';

const OWN_DISABLED = 'Nobody disables their own account. Ask another admin, or use npm run users.';

const OWN_SECOND_FACTOR =
  'Remove the second factor of your own account with DELETE /auth/second-factor, which asks for a code of it.';

const subjectOf = ({ userId }: AdminAccount) => ({ kind: 'account' as const, id: userId });

function orNotFound(account: AdminAccount | undefined): AdminAccount {
  if (!account) throw new ApiError('not_found', { detail: 'There is no such account.' });
  return account;
}

const operation = (
  operationId: string,
  summary: string,
  description?: string,
  { body = accountBody, more = [] }: { body?: z.ZodType; more?: ApiErrorCode[] } = {},
) => ({
  post: {
    tags: ['Admin'],
    security: bearer,
    summary,
    ...(description && { description }),
    operationId,
    requestBody: jsonBody(body),
    responses: {
      200: json('The account, as it is now.', adminAccount),
      ...problems(
        'validation_failed',
        'unauthenticated',
        'forbidden',
        'not_found',
        'store_unavailable',
        ...bodyFaults,
        ...more,
      ),
    },
  },
});

/** The OpenAPI description of these routes. */
export const adminAccountPaths: ZodOpenApiPathsObject = {
  '/admin/accounts/invite': {
    post: {
      tags: ['Admin'],
      security: bearer,
      summary: 'Invite somebody to make an account',
      description: 'The invite works once, and expires. It is kept as a hash only.',
      operationId: 'makeInvite',
      responses: {
        201: json('The invite.', invite),
        ...problems('unauthenticated', 'forbidden', 'store_unavailable'),
      },
    },
  },
  '/admin/accounts/list': {
    post: {
      tags: ['Admin'],
      security: bearer,
      summary: 'List accounts',
      description:
        'In the order of their emails, at most 100 at a time. Each call looks at 2,000 accounts at most, so a search may need several. ' +
        'The audit trail has who was shown how many, and not what was searched for.',
      operationId: 'listAccounts',
      requestBody: jsonBody(accountListBody),
      responses: {
        200: json('The accounts.', accountList),
        ...problems('validation_failed', 'unauthenticated', 'forbidden', 'store_unavailable', ...bodyFaults),
      },
    },
  },
  '/admin/accounts/find': operation('findAccount', 'Find an account'),
  '/admin/accounts/disable': operation(
    'disableAccount',
    'Disable an account',
    'Ends all of its logins at once. Nobody can log in to it until it is enabled. Its conversations stay. Nobody can disable their own ' +
      'account.',
  ),
  '/admin/accounts/enable': operation('enableAccount', 'Enable an account again'),
  '/admin/accounts/end-logins': operation('endLoginsOfAccount', 'End all logins of an account at once'),
  '/admin/accounts/reset-second-factor': operation(
    'resetSecondFactorOfAccount',
    'Take away the second factor of somebody who has lost it',
    'Make sure first that it is them. Ends all logins of the account. An account above `user` may do only what a user may, until ' +
      'it has another one.',
  ),
  '/admin/accounts/role': operation(
    'setRoleOfAccount',
    'Give an account another role',
    'It counts from the next request on. Nobody can change the role of their own account.',
    { body: accountRoleBody, more: ['role_of_provider'] },
  ),
};
