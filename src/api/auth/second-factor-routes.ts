import { type Request, type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { Account, SecondFactorRule } from '../../contracts/account.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  type BegunSecondFactor,
  beginSecondFactorBody,
  begunSecondFactor,
  changeSecondFactorBody,
  confirmSecondFactorBody,
  type RecoveryCodesBody,
  recoveryCodes,
  type SecondFactorState,
  secondFactorState,
} from '../../contracts/http/account-bodies.ts';
import { clientAddress } from '../client-address.ts';
import { bearer, bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { toApiError } from '../problem.ts';
import { parse } from '../validate.ts';
import type { GuardLogin } from './guard-login.ts';
import { fromUser } from './login-records.ts';
import type { Logins } from './logins.ts';
import type { Passwords } from './passwords.ts';
import type { SecondFactors } from './second-factor.ts';

/** What a change of the second factor is called in the audit trail. */
type Change = 'set_up' | 'removed' | 'recovery_codes_replaced';

/** The routes with which users set up the authenticator app of their account. */
export function createSecondFactorRouter(options: {
  store: AccountStore;
  secondFactors: SecondFactors;
  staffSecondFactor: SecondFactorRule;
  passwords: Pick<Passwords, 'verify'>;
  logins: Pick<Logins, 'endAll'>;
  authenticate: RequestHandler;
  limitUser: RequestHandler;
  guardLogin: GuardLogin;
  trail: Pick<AuditTrail, 'note'>;
}): Router {
  const { store, secondFactors, staffSecondFactor, passwords, logins } = options;
  const { authenticate, limitUser, guardLogin, trail } = options;

  /** Makes sure that it is the user, and not somebody who has found an open page. */
  async function provePassword(req: Request, password: string): Promise<Account> {
    const { userId } = req.user!;
    return await guardLogin({ address: clientAddress(req), account: userId }, async () => {
      const account = await store.byId(userId);
      const matches = await passwords.verify(password, account?.passwordHash);
      if (!account || !matches) throw new ApiError('wrong_password');
      return account;
    });
  }

  /** Records a change, or why it was refused. */
  async function recorded<T>(req: Request, after: Change, change: () => Promise<T>): Promise<T> {
    const event = { ...fromUser(req, req.user!), action: 'account.second_factor' as const };
    try {
      const result = await change();
      trail.note({ ...event, outcome: 'done', details: { after } });
      return result;
    } catch (error) {
      const { code, status } = toApiError(error);
      trail.note({ ...event, outcome: status < 500 ? 'refused' : 'failed', details: { after, code } });
      throw error;
    }
  }

  return Router()
    .use('/auth/second-factor', authenticate, limitUser)
    .get('/auth/second-factor', async (req, res) => {
      const account = await store.byId(req.user!.userId);
      if (!account) throw new ApiError('not_found');
      const { secondFactor, role } = account;
      res.json({
        setUpAt: secondFactor?.confirmedAt ?? null,
        recoveryCodes: secondFactor?.recoveryCodes.length ?? 0,
        required: staffSecondFactor === 'required' && role !== 'user',
      } satisfies SecondFactorState);
    })
    .post('/auth/second-factor', async (req, res) => {
      const { password } = parse(beginSecondFactorBody, req.body);
      const { userId } = await provePassword(req, password);
      res.status(201).json((await secondFactors.begin(userId)) satisfies BegunSecondFactor);
    })
    .post('/auth/second-factor/confirm', async (req, res) => {
      const { totp } = parse(confirmSecondFactorBody, req.body);
      const { userId, loginId } = req.user!;
      const codes = await recorded(req, 'set_up', () => secondFactors.confirm(userId, totp));
      // Nobody has shown the second factor there.
      await logins.endAll(userId, loginId);
      res.json({ recoveryCodes: codes } satisfies RecoveryCodesBody);
    })
    .post('/auth/second-factor/recovery-codes', async (req, res) => {
      const { password, totp } = parse(changeSecondFactorBody, req.body);
      const codes = await recorded(req, 'recovery_codes_replaced', async () => {
        return await secondFactors.replaceRecoveryCodes(await provePassword(req, password), totp);
      });
      res.json({ recoveryCodes: codes } satisfies RecoveryCodesBody);
    })
    .delete('/auth/second-factor', async (req, res) => {
      const { password, totp } = parse(changeSecondFactorBody, req.body ?? {});
      const { loginId } = req.user!;
      await recorded(req, 'removed', async () => {
        await secondFactors.remove(await provePassword(req, password), totp);
        await logins.endAll(req.user!.userId, loginId);
      });
      res.status(204).end();
    });
}

const tags = ['Accounts'];
const faults = ['unauthenticated', 'rate_limited', 'store_unavailable'] as const;
const changeFaults = ['validation_failed', ...bodyFaults, 'wrong_password', 'overloaded', ...faults] as const;

/** The OpenAPI description of these routes. */
export const secondFactorPaths: ZodOpenApiPathsObject = {
  '/auth/second-factor': {
    get: {
      tags,
      security: bearer,
      summary: 'See whether your account has a second factor',
      operationId: 'showSecondFactor',
      responses: {
        200: json('Your second factor.', secondFactorState, rateLimitHeaders),
        ...problems('not_found', ...faults),
      },
    },
    post: {
      tags,
      security: bearer,
      summary: 'Begin to set up an authenticator app',
      description:
        'Gives a secret for an app that makes codes from it (TOTP, RFC 6238). Nothing changes for logins before you confirm it ' +
        'with a code of the app.',
      operationId: 'beginSecondFactor',
      requestBody: jsonBody(beginSecondFactorBody),
      responses: {
        201: json('For the app.', begunSecondFactor, rateLimitHeaders),
        ...problems(...changeFaults, 'second_factor_exists'),
      },
    },
    delete: {
      tags,
      security: bearer,
      summary: 'Remove your second factor',
      description:
        'Needs a code of the app, or a recovery code. All other logins end at once. An account above `user` may do only what a user ' +
        'may then, unless this service does not require a second factor.',
      operationId: 'removeSecondFactor',
      requestBody: jsonBody(changeSecondFactorBody),
      responses: {
        204: { description: 'It is removed.' },
        ...problems(...changeFaults, 'wrong_code', 'second_factor_exists'),
      },
    },
  },
  '/auth/second-factor/confirm': {
    post: {
      tags,
      security: bearer,
      summary: 'Confirm an authenticator app',
      description:
        'Send a code that the app shows. From then on, every login needs one. All other logins end at once. The reply has ten ' +
        'recovery codes, for the day on which the device is lost.',
      operationId: 'confirmSecondFactor',
      requestBody: jsonBody(confirmSecondFactorBody),
      responses: {
        200: json('The recovery codes.', recoveryCodes, rateLimitHeaders),
        ...problems(
          ...(['validation_failed', ...bodyFaults, 'wrong_code', 'not_found', 'second_factor_exists'] as const),
          ...faults,
        ),
      },
    },
  },
  '/auth/second-factor/recovery-codes': {
    post: {
      tags,
      security: bearer,
      summary: 'Get new recovery codes',
      description: 'The earlier ones do not count any more.',
      operationId: 'replaceRecoveryCodes',
      requestBody: jsonBody(changeSecondFactorBody),
      responses: {
        200: json('The recovery codes.', recoveryCodes, rateLimitHeaders),
        ...problems(...changeFaults, 'wrong_code', 'not_found'),
      },
    },
  },
};
