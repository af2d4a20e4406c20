import type { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { credentials, loginBody, refreshBody, registered, tokens } from '../../contracts/http/account-bodies.ts';
import { json, problems, rateLimitHeaders } from './responses.ts';

const tags = ['Accounts'];
const body = (schema: z.ZodType) => ({ required: true, content: { 'application/json': { schema } } });
const faults = [
  'validation_failed',
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'store_unavailable',
] as const;

/** The accounts of this API, which are absent where an identity provider has them. */
export const accountPaths: ZodOpenApiPathsObject = {
  '/auth/register': {
    post: {
      tags,
      summary: 'Make an account',
      operationId: 'register',
      requestBody: body(credentials),
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
      requestBody: body(loginBody),
      responses: {
        200: json('An access token, and a refresh token for the next one.', tokens, rateLimitHeaders),
        ...problems(...faults, 'invalid_credentials', 'overloaded'),
      },
    },
  },
  '/auth/refresh': {
    post: {
      tags,
      summary: 'Get the next tokens',
      description:
        'A refresh token is good for one use. For ten seconds (a setting) it gives the same next pair again, so that ' +
        'tabs which send it at the same time all go on. Used again after that, it ends its login with all of its tokens.',
      operationId: 'refresh',
      requestBody: body(refreshBody),
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
        'Ends the login: its refresh token and its access tokens count no more, at once. Other logins of the same user go on. ' +
        'A token that belongs to no login is answered in the same way.',
      operationId: 'logout',
      requestBody: body(refreshBody),
      responses: { 204: { description: 'The login has ended.' }, ...problems(...faults) },
    },
  },
};
