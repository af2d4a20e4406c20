import { type RequestHandler, type Response, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { type Erasure, erasure } from '../../contracts/erasures.ts';
import { ApiError } from '../../contracts/errors.ts';
import { eraseAccountBody } from '../../contracts/http/erasure-bodies.ts';
import { auditedFor } from '../audit.ts';
import { addressOf } from '../base-path.ts';
import { clientAddress } from '../client-address.ts';
import { bearer, bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { parse, parseId } from '../validate.ts';
import type { DataEraser } from './erase-data.ts';
import type { ProveIdentity } from './prove-identity.ts';
import { runInTime } from './run-in-time.ts';

/** The routes with which users erase themselves, and read the receipt. */
export function createErasureRouter(options: {
  eraser: DataEraser;
  proveIdentity: ProveIdentity;
  trail: AuditTrail;
  authenticate: RequestHandler;
  limitUser: RequestHandler;
  limitAddress: RequestHandler;
}): Router {
  const { eraser, proveIdentity, trail, authenticate, limitUser, limitAddress } = options;
  return Router()
    .delete('/account', authenticate, limitUser, async (req, res) => {
      const caller = req.user!;
      await proveIdentity(caller, parse(eraseAccountBody, req.body ?? {}), clientAddress(req));
      const event = { action: 'account.erase', subject: { kind: 'account', id: caller.userId } } as const;
      const begun = await auditedFor({ req, trail }, event, () => eraser.begin({ userId: caller.userId }, 'user'));
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
  '/account': {
    delete: {
      tags,
      security: bearer,
      summary: 'Erase yourself',
      description:
        'Erases everything that is kept of you, in every store, and destroys the key that your texts are encrypted with. This ' +
        'cannot be undone. All logins end at once, and questions that are under way are cancelled. If you have an account here, ' +
        'send its password. Otherwise log in again at your identity provider, and send your userId as `confirm`. Keep the ' +
        '`erasureId`: it is the only way to read the receipt later.',
      operationId: 'eraseAccount',
      requestBody: jsonBody(eraseAccountBody),
      responses: {
        ...erasureReplies,
        ...problems(
          ...(['validation_failed', ...bodyFaults, 'unauthenticated', 'wrong_password', 'login_too_old'] as const),
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
