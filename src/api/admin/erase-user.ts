import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { erasure } from '../../contracts/erasures.ts';
import { ApiError } from '../../contracts/errors.ts';
import { eraseUserBody, type KeptCountsBody, keptCounts } from '../../contracts/http/erasure-bodies.ts';
import { kindsOfData } from '../../contracts/kept-data.ts';
import { auditedFor } from '../audit.ts';
import type { AccountAdmin } from '../auth/manage-accounts.ts';
import { addressOf } from '../base-path.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import type { DataEraser } from '../erasure/erase-data.ts';
import { sendErasure } from '../erasure/routes.ts';
import { runInTime } from '../erasure/run-in-time.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/**
 * `/accounts/erase` of the admin's API.
 * @param options.accounts undefined: an identity provider has them
 * @param options.requireAdmin lets those pass whose role may do this
 */
export function createEraseUserRouter(options: {
  eraser: DataEraser;
  accounts: Pick<AccountStore, 'byEmail'> | undefined;
  /** See AccountAdmin. undefined: an identity provider has the accounts. */
  stepDown: AccountAdmin['stepDown'] | undefined;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
}): Router {
  const { eraser, accounts, stepDown, trail, requireAdmin } = options;

  async function userIdOf({ email, userId }: { email?: string | undefined; userId?: string | undefined }) {
    if (userId !== undefined) return userId;
    const account = await accounts?.byEmail(email!);
    if (!account) throw new ApiError('not_found', { detail: 'No account has this email.' });
    return account.userId;
  }

  return Router().post('/accounts/erase', requireAdmin, readJsonBody, async (req, res) => {
    const { dryRun, ...named } = parse(eraseUserBody, req.body ?? {});
    const userId = await userIdOf(named);
    const by = req.user!.userId;
    if (!dryRun && userId === by) throw new ApiError('forbidden', { detail: OWN_ACCOUNT });
    if (dryRun) {
      const counts = await eraser.survey({ userId });
      const kinds = kindsOfData.map((kind) => ({ kind, count: counts[kind] }));
      res.json({ dryRun, userId, kinds } satisfies KeptCountsBody);
      return;
    }
    const event = { action: 'account.erase', subject: { kind: 'account', id: userId } } as const;
    const begun = await auditedFor({ req, trail }, event, async () => {
      await stepDown?.(userId, by);
      return await eraser.begin({ userId }, 'admin');
    });
    sendErasure(res, await runInTime(eraser, begun), addressOf(req, `/erasures/${begun.erasureId}`));
  });
}

const OWN_ACCOUNT = 'Erase your own account with DELETE /account, which makes sure that it is you.';

/** The OpenAPI description of this route. */
export const eraseUserPaths: ZodOpenApiPathsObject = {
  '/admin/accounts/erase': {
    post: {
      tags: ['Admin'],
      security: bearer,
      summary: 'Erase a user',
      description:
        'Erases everything that is kept of a user, for ever: see `DELETE /account`. The user has an account with this email, or ' +
        'is known by its id only. With `dryRun`, it says what would be erased. Nobody can erase their own account here.',
      operationId: 'eraseUser',
      requestBody: jsonBody(eraseUserBody),
      responses: {
        200: json('Everything is erased, or what would be.', z.union([erasure, keptCounts])),
        202: json('It goes on, whatever happens. Ask at `Location` until `state` is `erased`.', erasure),
        ...problems(
          ...(['validation_failed', ...bodyFaults, 'unauthenticated', 'forbidden', 'not_found'] as const),
          ...(['broker_unavailable', 'dead_letters_in_use', 'store_unavailable'] as const),
        ),
      },
    },
  },
};
