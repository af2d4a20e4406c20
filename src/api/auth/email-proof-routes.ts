import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import { verifyEmailBody } from '../../contracts/http/account-bodies.ts';
import { bearer, bodyFaults, jsonBody, problems } from '../docs/describe-operation.ts';
import { parse } from '../validate.ts';
import type { EmailProofs } from './email-proofs.ts';
import { fromUser } from './login-records.ts';

/**
 * The routes with which users verify their email.
 * @param options.proofs undefined: nobody needs to
 */
export function createEmailProofRouter(options: {
  proofs: EmailProofs | undefined;
  store: Pick<AccountStore, 'byId'>;
  authenticate: RequestHandler;
  limitUser: RequestHandler;
  limitAddress: (endpoint: string) => RequestHandler;
  trail: Pick<AuditTrail, 'note'>;
}): Router {
  const { store, authenticate, limitUser, limitAddress, trail } = options;
  const proofs = () => {
    if (!options.proofs) throw new ApiError('not_found', { detail: 'Emails need not be verified here.' });
    return options.proofs;
  };
  return Router()
    .post('/auth/email/proof', authenticate, limitUser, async (req, res) => {
      const account = await store.byId(req.user!.userId);
      if (!account) throw new ApiError('not_found');
      await proofs().ask(account.email, (to) =>
        trail.note({ ...fromUser(req, to), action: 'account.proof_mail', outcome: 'done' }),
      );
      res.status(202).end();
    })
    .post('/auth/email/verify', limitAddress('email-verify'), async (req, res) => {
      const { token } = parse(verifyEmailBody, req.body);
      const account = await proofs().use(token);
      trail.note({ ...fromUser(req, account), action: 'account.email_verified', outcome: 'done' });
      res.status(204).end();
    });
}

const tags = ['Accounts'];
const faults = ['not_found', 'rate_limited', 'store_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const emailProofPaths: ZodOpenApiPathsObject = {
  '/auth/email/proof': {
    post: {
      tags,
      security: bearer,
      summary: 'Get another mail with a link to verify your email',
      description:
        'Who asks too often gets the same reply, and no more mails. `404` if emails need not be verified here: ' +
        '`GET /auth/options` says so.',
      operationId: 'sendEmailProof',
      responses: { 202: { description: 'A mail is on its way.' }, ...problems('unauthenticated', ...faults) },
    },
  },
  '/auth/email/verify': {
    post: {
      tags,
      summary: 'Verify an email, with the token of a mail',
      description: 'The token works once, for 24 hours. From then on, the user can ask questions.',
      operationId: 'verifyEmail',
      requestBody: jsonBody(verifyEmailBody),
      responses: {
        204: { description: 'It is verified.' },
        ...problems('validation_failed', ...bodyFaults, 'email_proof_invalid', ...faults),
      },
    },
  },
};
