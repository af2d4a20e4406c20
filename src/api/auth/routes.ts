import { type RequestHandler, type Response, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { credentials, loginBody, refreshBody, registered, tokens } from '../../contracts/http/account-bodies.ts';
import { bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { parse } from '../validate.ts';
import type { Accounts } from './accounts.ts';

export interface AccountsRouterOptions {
  accounts: Accounts;
  /** Answers 429 to an address that uses this endpoint too often. */
  limitAddress: (endpoint: string) => RequestHandler;
  /** @throws ApiError rate_limited: too many tries for this email, from all addresses together */
  limitEmail: (email: string, res: Response) => Promise<void>;
}

/** The routes of the accounts. They do not exist if an identity provider has the accounts. */
export function createAccountsRouter({ accounts, limitAddress, limitEmail }: AccountsRouterOptions): Router {
  return Router()
    .post('/auth/register', limitAddress('register'), async (req, res) => {
      res.status(201).json(await accounts.register(parse(credentials, req.body), 'user'));
    })
    .post('/auth/login', limitAddress('login'), async (req, res) => {
      const body = parse(loginBody, req.body);
      await limitEmail(body.email, res);
      res.json(await accounts.login(body));
    })
    .post('/auth/refresh', limitAddress('refresh'), async (req, res) => {
      res.json(await accounts.refresh(parse(refreshBody, req.body).refreshToken));
    })
    .post('/auth/logout', limitAddress('logout'), async (req, res) => {
      await accounts.logout(parse(refreshBody, req.body).refreshToken);
      res.status(204).end();
    });
}

const tags = ['Accounts'];
const faults = ['validation_failed', ...bodyFaults, 'rate_limited', 'store_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const accountPaths: ZodOpenApiPathsObject = {
  '/auth/register': {
    post: {
      tags,
      summary: 'Make an account',
      operationId: 'register',
      requestBody: jsonBody(credentials),
      responses: {
        201: json('The account was made.', registered, rateLimitHeaders),
        ...problems(...faults, 'email_taken', 'overloaded'),
      },
    },
  },
  '/auth/login': {
    post: {
      tags,
      summary: 'Log in',
      operationId: 'login',
      requestBody: jsonBody(loginBody),
      responses: {
        200: json('An access token, and a refresh token to get the next pair with.', tokens, rateLimitHeaders),
        ...problems(...faults, 'invalid_credentials', 'overloaded'),
      },
    },
  },
  '/auth/refresh': {
    post: {
      tags,
      summary: 'Get the next tokens',
      description:
        'A refresh token can be used once. For ten seconds (a setting) after that it gives the same pair again, so that ' +
        'several tabs can send it at the same time. If it is used later, its login ends with all of its tokens.',
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
