import { type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { type Erasure, erasure } from '../../contracts/erasures.ts';
import { ApiError } from '../../contracts/errors.ts';
import { eraseAccountBody } from '../../contracts/http/erasure-bodies.ts';
import { exportLine } from '../../contracts/http/export-lines.ts';
import { auditedFor } from '../audit.ts';
import type { AccountAdmin } from '../auth/manage-accounts.ts';
import { addressOf } from '../base-path.ts';
import { clientAddress } from '../client-address.ts';
import { bearer, bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { parse, parseId } from '../validate.ts';
import type { DataEraser } from './erase-data.ts';
import { getExport } from './export.ts';
import type { DataExporter } from './export-data.ts';
import type { ProveIdentity } from './prove-identity.ts';
import { runInTime } from './run-in-time.ts';

/** The routes with which users get what is kept of them, erase themselves, and read the receipt. */
export function createErasureRouter(options: {
  eraser: DataEraser;
  exporter: DataExporter;
  proveIdentity: ProveIdentity;
  /** See AccountAdmin. undefined: an identity provider has the accounts. */
  stepDown: AccountAdmin['stepDown'] | undefined;
  trail: AuditTrail;
  authenticate: RequestHandler;
  limitUser: RequestHandler;
  /** An export reads everything that is kept of its user, so it has a limit of its own. */
  limitExport: RequestHandler;
  limitAddress: RequestHandler;
}): Router {
  const { eraser, exporter, proveIdentity, stepDown, trail } = options;
  const { authenticate, limitUser, limitExport, limitAddress } = options;
  return Router()
    .get('/account/export', authenticate, limitExport, getExport({ exporter, trail }))
    .delete('/account', authenticate, limitUser, async (req, res) => {
      const { userId } = req.user!;
      await proveIdentity(req.user!, parse(eraseAccountBody, req.body ?? {}), clientAddress(req));
      const event = { action: 'account.erase', subject: { kind: 'account', id: userId } } as const;
      const begun = await auditedFor({ req, trail }, event, async () => {
        await stepDown?.(userId);
        return await eraser.begin({ userId }, 'user');
      });
      sendErasure(res, await runInTime(eraser, begun), addressOf(req, `/erasures/${begun.erasureId}`));
    })
    .get('/erasures/:erasureId', limitAddress, async (req, res) => {
      const found = await eraser.find(parseId(req.params.erasureId));
      if (!found) throw new ApiError('not_found');
      res.json(found);
    });
}

/** 200 with the receipt, or 202 while it is under way. */
export function sendErasure(res: Response, erasure: Erasure, location: string): void {
  res
    .status(erasure.state === 'erased' ? 200 : 202)
    .location(location)
    .json(erasure);
}

const tags = ['Chat'];

export const erasureReplies = {
  200: json('Everything is erased. This is the receipt.', erasure, rateLimitHeaders),
  202: json('It goes on, whatever happens. Ask at `Location` until `state` is `erased`.', erasure, rateLimitHeaders),
};

/** The OpenAPI description of these routes. */
export const erasurePaths: ZodOpenApiPathsObject = {
  '/account/export': {
    get: {
      tags,
      security: bearer,
      summary: 'Get everything that is kept of you',
      description:
        'Gives everything that is kept of you, in every store, also what the pages do not show. The texts are readable. Of ' +
        'passwords and tokens only hashes are kept, which are named and not given. Your login must be at most ten minutes old, ' +
        'because a token can be stolen: log in again before. It may be long, so save it while it comes. It is whole if the last ' +
        'line has `"type":"end"` and `"complete":true`.',
      operationId: 'exportAccount',
      responses: {
        200: {
          description: 'NDJSON: a line of JSON for each thing.',
          headers: z.object({
            ...rateLimitHeaders,
            'Content-Disposition': z.string().meta({ description: 'A name for the file.' }),
          }),
          content: { 'application/x-ndjson': { schema: exportLine } },
        },
        ...problems('unauthenticated', 'login_too_old', 'rate_limited', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
  '/account': {
    delete: {
      tags,
      security: bearer,
      summary: 'Erase yourself',
      description:
        'Erases everything that is kept of you, in every store, and destroys the key that your texts are encrypted with. This ' +
        'cannot be undone. All logins end at once, and questions that are under way are cancelled. If you have an account here, ' +
        'send its password. Otherwise log in again at your identity provider, and send your userId as `confirm`. Keep the ' +
        '`erasureId`: it is the only way to read the receipt later. The last admin must make somebody else an admin first.',
      operationId: 'eraseAccount',
      requestBody: jsonBody(eraseAccountBody),
      responses: {
        ...erasureReplies,
        ...problems(
          ...([
            'validation_failed',
            ...bodyFaults,
            'unauthenticated',
            'wrong_password',
            'login_too_old',
            'last_admin',
          ] as const),
          ...(['rate_limited', 'overloaded', 'store_unavailable'] as const),
        ),
      },
    },
  },
  '/erasures/{erasureId}': {
    get: {
      tags,
      summary: 'Read the receipt of an erasure',
      description:
        'Nobody can guess an `erasureId`, so it needs no token. The user whose receipt it is has none any more.',
      operationId: 'getErasure',
      requestParams: { path: erasure.pick({ erasureId: true }) },
      responses: {
        200: json('The erasure. It is the receipt once `state` is `erased`.', erasure, rateLimitHeaders),
        ...problems('validation_failed', 'not_found', 'rate_limited', 'store_unavailable'),
      },
    },
  },
};
