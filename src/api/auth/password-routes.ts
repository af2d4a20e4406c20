import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { changePasswordBody } from '../../contracts/http/account-bodies.ts';
import { clientAddress } from '../client-address.ts';
import { bearer, bodyFaults, jsonBody, problems } from '../docs/describe-operation.ts';
import { toApiError } from '../problem.ts';
import { parse } from '../validate.ts';
import type { GuardLogin } from './guard-login.ts';
import { fromUser } from './login-records.ts';
import { changePassword, type SetPasswordOptions } from './set-password.ts';

/** The route with which users change their passwords. */
export function createPasswordRouter(
  options: SetPasswordOptions & {
    authenticate: RequestHandler;
    limitUser: RequestHandler;
    guardLogin: GuardLogin;
    trail: Pick<AuditTrail, 'note'>;
  },
): Router {
  const { authenticate, limitUser, guardLogin, trail } = options;
  return Router().post('/auth/password', authenticate, limitUser, async (req, res) => {
    const body = parse(changePasswordBody, req.body);
    const caller = req.user!;
    const who = { address: clientAddress(req), account: caller.userId };
    const event = { ...fromUser(req, caller), action: 'account.password' as const };
    try {
      await guardLogin(who, () => changePassword(options, caller, body));
    } catch (error) {
      const { code, status } = toApiError(error);
      trail.note({ ...event, outcome: status < 500 ? 'refused' : 'failed', details: { code } });
      throw error;
    }
    trail.note({ ...event, outcome: 'done' });
    res.status(204).end();
  });
}

/** The OpenAPI description of this route. */
export const passwordPaths: ZodOpenApiPathsObject = {
  '/auth/password': {
    post: {
      tags: ['Accounts'],
      security: bearer,
      summary: 'Change your password',
      description: 'All other logins end at once. After several wrong passwords, the next try must wait.',
      operationId: 'changePassword',
      requestBody: jsonBody(changePasswordBody),
      responses: {
        204: { description: 'It is changed.' },
        ...problems(
          ...(['validation_failed', ...bodyFaults, 'password_too_weak', 'unauthenticated', 'wrong_password'] as const),
          ...(['password_login_off'] as const),
          ...(['rate_limited', 'overloaded', 'store_unavailable'] as const),
        ),
      },
    },
  },
};
