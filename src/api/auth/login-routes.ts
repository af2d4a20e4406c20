import { type Request, type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import { endedLogins, type OpenLoginBody, openLogins } from '../../contracts/http/login-bodies.ts';
import { limits } from '../../contracts/limits.ts';
import { bearer, json, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { fromUser } from './login-records.ts';
import type { Logins, OpenLogin } from './logins.ts';

/** The routes with which users see and end their own logins. */
export function createLoginsRouter(options: {
  logins: Pick<Logins, 'list' | 'end' | 'endAll'>;
  authenticate: RequestHandler;
  limitUser: RequestHandler;
  trail: Pick<AuditTrail, 'note'>;
}): Router {
  const { logins, authenticate, limitUser, trail } = options;
  const recordEnd = (req: Request, count: number) =>
    trail.note({ ...fromUser(req, req.user!), action: 'login.end', outcome: 'done', details: { count } });
  return Router()
    .get('/auth/logins', authenticate, limitUser, async (req, res) => {
      const { userId, loginId } = req.user!;
      res.json({ logins: (await logins.list(userId)).map((login) => bodyOf(login, loginId)) });
    })
    .delete('/auth/logins', authenticate, limitUser, async (req, res) => {
      const ended = await logins.endAll(req.user!.userId, req.user!.loginId);
      recordEnd(req, ended);
      res.json({ ended });
    })
    .delete('/auth/logins/:loginId', authenticate, limitUser, async (req, res) => {
      const known = await logins.end(req.user!.userId, String(req.params.loginId));
      if (!known) throw new ApiError('not_found');
      recordEnd(req, 1);
      res.status(204).end();
    });
}

const bodyOf = (login: OpenLogin, current: string | undefined): OpenLoginBody => ({
  loginId: login.loginId,
  current: login.loginId === current,
  startedAt: login.startedAt === undefined ? null : new Date(login.startedAt).toISOString(),
  refreshedAt: new Date(login.refreshedAt).toISOString(),
  endsAt: login.endsAt === undefined ? null : new Date(login.endsAt).toISOString(),
  address: login.client?.address ?? null,
  agent: login.client?.agent ?? null,
});

const tags = ['Accounts'];
const faults = ['unauthenticated', 'rate_limited', 'store_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const loginPaths: ZodOpenApiPathsObject = {
  '/auth/logins': {
    get: {
      tags,
      security: bearer,
      summary: 'See where you are logged in',
      operationId: 'listLogins',
      responses: { 200: json('Your logins.', openLogins, rateLimitHeaders), ...problems(...faults) },
    },
    delete: {
      tags,
      security: bearer,
      summary: 'Log out everywhere else',
      description: 'Ends all of your logins but the one whose token is sent. Their tokens are refused at once.',
      operationId: 'endOtherLogins',
      responses: { 200: json('They have ended.', endedLogins, rateLimitHeaders), ...problems(...faults) },
    },
  },
  '/auth/logins/{loginId}': {
    delete: {
      tags,
      security: bearer,
      summary: 'End one of your logins',
      description: 'Its tokens are refused at once.',
      operationId: 'endLogin',
      requestParams: { path: z.object({ loginId: z.string().max(limits.idChars) }) },
      responses: { 204: { description: 'It has ended.' }, ...problems('not_found', ...faults) },
    },
  },
};
