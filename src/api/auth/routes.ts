import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { LoginClient } from '../../adapters/logins/refresh-family-store.ts';
import type { AuditEvent, AuditTrail } from '../../contracts/audit.ts';
import { cutText } from '../../contracts/cut-text.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  type AccountOptions,
  accountOptions,
  loginBody,
  type Registered,
  refreshBody,
  registerBody,
  registered,
  tokens,
} from '../../contracts/http/account-bodies.ts';
import { senderOf } from '../audit.ts';
import { clientAddress } from '../client-address.ts';
import { bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { parse } from '../validate.ts';
import type { Accounts } from './accounts.ts';
import type { GuardLogin } from './guard-login.ts';
import { fromUser, type LoginRecords } from './login-records.ts';
import type { MayRegister } from './may-register.ts';

const AGENT_CHARS = 200;

export interface AccountsRouterOptions {
  accounts: Accounts;
  /** Answers 429 to an address that uses this endpoint too often. */
  limitAddress: (endpoint: string) => RequestHandler;
  /** @throws ApiError rate_limited: the login refreshes too often */
  limitLogin: (loginId: string, res: Response) => Promise<void>;
  /** @throws ApiError rate_limited: the address sends too many refresh tokens that are unknown */
  limitUnknown: (address: string, res: Response) => Promise<void>;
  mayRegister: MayRegister;
  /** Has a link sent to an email, if `offer.verifiedMail`. */
  askForProof: (email: string, req: Request) => Promise<void>;
  /** What GET /auth/options tells. */
  offer: AccountOptions;
  guardLogin: GuardLogin;
  trail: Pick<AuditTrail, 'note'>;
  records: LoginRecords;
}

/** The routes of the accounts. They do not exist if an identity provider has the accounts. */
export function createAccountsRouter(options: AccountsRouterOptions): Router {
  const { accounts, limitAddress, limitLogin, limitUnknown, mayRegister, offer, guardLogin, trail, records } = options;
  const { askForProof } = options;
  return Router()
    .get('/auth/options', (_req, res) => void res.json(offer))
    .post('/auth/register', limitAddress('register'), async (req, res) => {
      const body = parse(registerBody, req.body);
      const userId = await accounts.register(body, () => mayRegister(body.invite));
      const made = { action: 'account.register' } as const;
      trail.note(
        userId === undefined
          ? { ...made, ...senderOf(req), outcome: 'refused' }
          : { ...made, ...fromUser(req, { userId, role: 'user' }), outcome: 'done' },
      );
      if (offer.verifiedMail) await askForProof(body.email, req);
      res
        .status(202)
        .json({ email: body.email, next: offer.verifiedMail ? 'verify_email' : 'log_in' } satisfies Registered);
    })
    .post('/auth/login', limitAddress('login'), async (req, res) => {
      const body = parse(loginBody, req.body);
      const who = { address: clientAddress(req), account: body.email };
      try {
        const { tokens, caller } = await guardLogin(who, () => accounts.login(body, clientOf(req)));
        records.loggedIn(req, caller, 'api');
        res.json(tokens);
      } catch (error) {
        records.refused(req, body.email, error, 'api');
        throw error;
      }
    })
    .post('/auth/refresh', async (req, res) => {
      const { refreshToken } = parse(refreshBody, req.body);
      try {
        res.json(await accounts.refresh(refreshToken, (loginId) => limitLogin(loginId, res)));
      } catch (error) {
        if (isUnknownToken(error)) await limitUnknown(clientAddress(req), res);
        throw error;
      }
    })
    .post('/auth/logout', async (req, res) => {
      const userId = await accounts.logout(parse(refreshBody, req.body).refreshToken);
      if (userId === undefined) await limitUnknown(clientAddress(req), res);
      else trail.note(loginEnded(req, userId));
      res.status(204).end();
    });
}

const loginEnded = (req: Request, userId: string): AuditEvent => ({
  ...{ action: 'login.end', outcome: 'done', details: { count: 1, by: 'refresh_token' } },
  ...fromUser(req, { userId }),
});

/** What a user sees of a login in the list of them. */
export const clientOf = (req: Request): LoginClient => ({
  address: clientAddress(req),
  agent: cutText(req.get('User-Agent') ?? '', AGENT_CHARS),
});

const isUnknownToken = (error: unknown) => error instanceof ApiError && error.code === 'invalid_refresh_token';

const tags = ['Accounts'];
const faults = ['validation_failed', ...bodyFaults, 'rate_limited', 'store_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const accountPaths: ZodOpenApiPathsObject = {
  '/auth/options': {
    get: {
      tags,
      summary: 'See who may make an account',
      operationId: 'accountOptions',
      responses: { 200: json('What a page must know before anybody logs in.', accountOptions) },
    },
  },
  '/auth/register': {
    post: {
      tags,
      summary: 'Make an account',
      description:
        'An email that has an account gets the same reply, in the same time, and its account stays as it is. Whoever gets ' +
        '`invalid_credentials` right after this has probably had an account before.',
      operationId: 'register',
      requestBody: jsonBody(registerBody),
      responses: {
        202: json('There is an account for this email.', registered, rateLimitHeaders),
        ...problems(
          ...faults,
          'password_too_weak',
          'registration_closed',
          'invite_invalid',
          'password_login_off',
          'overloaded',
        ),
      },
    },
  },
  '/auth/login': {
    post: {
      tags,
      summary: 'Log in',
      description:
        'An account with a second factor needs `totp`, too. Without it the reply is `second_factor_required`: ask for the code, ' +
        'and send all three.',
      operationId: 'login',
      requestBody: jsonBody(loginBody),
      responses: {
        200: json('An access token, and a refresh token to get the next pair with.', tokens, rateLimitHeaders),
        ...problems(
          ...faults,
          ...([
            'invalid_credentials',
            'second_factor_required',
            'wrong_code',
            'account_disabled',
            'password_login_off',
            'overloaded',
          ] as const),
        ),
      },
    },
  },
  '/auth/refresh': {
    post: {
      tags,
      summary: 'Get the next tokens',
      description:
        'A refresh token can be used once. For ten seconds (a setting) after that it gives the same pair again, so that ' +
        'several tabs can send it at the same time. If it is used later, its login ends with all of its tokens. Each login ' +
        'has a limit of its own. Unknown tokens count for the address.',
      operationId: 'refresh',
      requestBody: jsonBody(refreshBody),
      responses: {
        200: json('The next tokens.', tokens, rateLimitHeaders),
        ...problems(...faults, 'invalid_refresh_token', 'refresh_token_reused'),
      },
    },
  },
  '/auth/logout': {
    post: {
      tags,
      summary: 'Log out',
      description:
        'Ends the login: its refresh token and its access tokens are refused at once. Other logins of the same user go on. ' +
        'An unknown token gets the same reply.',
      operationId: 'logout',
      requestBody: jsonBody(refreshBody),
      responses: { 204: { description: 'The login has ended.' }, ...problems(...faults) },
    },
  },
};
