import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import { askResetBody, resetPasswordBody } from '../../contracts/http/account-bodies.ts';
import { senderOf } from '../audit.ts';
import { bodyFaults, jsonBody, problems } from '../docs/describe-operation.ts';
import { parse } from '../validate.ts';
import { fromUser } from './login-records.ts';
import type { PasswordReset } from './password-reset.ts';

const NO_MAIL = 'No mails are sent here. Ask those who run this service for another password.';

/**
 * The routes for people who have forgotten their password.
 * @param options.reset undefined: no mails are sent
 */
export function createPasswordResetRouter(options: {
  reset: PasswordReset | undefined;
  limitAddress: (endpoint: string) => RequestHandler;
  trail: Pick<AuditTrail, 'note'>;
}): Router {
  const { limitAddress, trail } = options;
  const reset = () => {
    if (!options.reset) throw new ApiError('not_found', { detail: NO_MAIL });
    return options.reset;
  };
  return Router()
    .post('/auth/password/forgotten', limitAddress('password-forgotten'), async (req, res) => {
      const { email } = parse(askResetBody, req.body);
      const sender = senderOf(req);
      await reset().ask(email, ({ userId }) =>
        trail.note({
          ...{ ...sender, action: 'account.reset_mail', outcome: 'done' },
          subject: { kind: 'account', id: userId },
        }),
      );
      res.status(202).end();
    })
    .post('/auth/password/reset', limitAddress('password-reset'), async (req, res) => {
      const { token, newPassword } = parse(resetPasswordBody, req.body);
      const account = await reset().use(token, newPassword);
      trail.note({ ...fromUser(req, account), action: 'account.password', outcome: 'done', details: { by: 'mail' } });
      res.status(204).end();
    });
}

const tags = ['Accounts'];
const faults = [
  ...(['validation_failed', ...bodyFaults, 'password_login_off'] as const),
  ...(['not_found', 'rate_limited', 'store_unavailable'] as const),
] as const;

/** The OpenAPI description of these routes. */
export const passwordResetPaths: ZodOpenApiPathsObject = {
  '/auth/password/forgotten': {
    post: {
      tags,
      summary: 'Ask for a link to choose another password',
      description:
        'If the email has an account, a mail with the link is sent. The reply is the same for every email, in the same time. ' +
        '`404` if this service sends no mails: `GET /auth/options` says so.',
      operationId: 'forgotPassword',
      requestBody: jsonBody(askResetBody),
      responses: { 202: { description: 'If there is an account, a mail is on its way.' }, ...problems(...faults) },
    },
  },
  '/auth/password/reset': {
    post: {
      tags,
      summary: 'Choose another password, with the token of a mail',
      description: 'The token works once, and for a limited time. All logins of the account end.',
      operationId: 'resetPassword',
      requestBody: jsonBody(resetPasswordBody),
      responses: {
        204: { description: 'It is changed.' },
        ...problems(...faults, 'password_too_weak', 'reset_invalid', 'overloaded'),
      },
    },
  },
};
