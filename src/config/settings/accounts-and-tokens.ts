import { z } from 'zod';
import { api, setting } from '../setting.ts';
import { duration, flag, optional, someNames, text, url } from '../value-types.ts';

export const accountsAndTokens = {
  jwtSecret: setting({
    env: 'JWT_SECRET',
    type: optional(
      z
        .string()
        .refine(
          (value) => Buffer.byteLength(value) >= 32,
          'must have at least 32 bytes; make one with: openssl rand -base64 48',
        ),
    ),
    default: '',
    unit: 'secret',
    text: 'Signs access tokens (HS256). Required in production unless JWT_JWKS_URL is set.',
    mayBeInFile: true,
    readBy: api,
  }),
  jwtJwksUrl: setting({
    env: 'JWT_JWKS_URL',
    type: optional(url('https', 'http')),
    default: '',
    unit: 'URL',
    text: "Your identity provider's key set. The API then accepts tokens that are signed with these keys (RS, PS or ES with 256, 384 or 512, or EdDSA), and its own accounts are switched off.",
    readBy: api,
  }),
  jwtIssuer: setting({
    env: 'JWT_ISSUER',
    type: text(500),
    default: 'healify-chat',
    unit: 'name',
    text: 'The `iss` that tokens must carry.',
    readBy: api,
  }),
  jwtAudience: setting({
    env: 'JWT_AUDIENCE',
    type: someNames,
    default: 'healify-chat',
    unit: 'names',
    text: 'Whom tokens must be meant for (`aud`): one of these, separated by commas.',
    readBy: api,
  }),
  jwtAudienceClaim: setting({
    env: 'JWT_AUDIENCE_CLAIM',
    type: text(500),
    default: 'aud',
    unit: 'claim',
    text: "The claim of your identity provider's tokens that is compared with JWT_AUDIENCE. For Amazon Cognito, whose access tokens have no `aud`: client_id.",
    readBy: api,
  }),
  jwtRolesClaim: setting({
    env: 'JWT_ROLES_CLAIM',
    type: text(500),
    default: 'role',
    unit: 'claim',
    text: "The claim of your identity provider's tokens that lists roles: a name (`cognito:groups`, `https://example.com/roles`) or a path (`realm_access.roles`; a dot within a name is written `\\.`). A text counts as a whole and as each of its words, an object by its keys.",
    readBy: api,
  }),
  jwtAdminRole: setting({
    env: 'JWT_ADMIN_ROLE',
    type: text(500),
    default: 'admin',
    unit: 'name',
    text: 'The role in JWT_ROLES_CLAIM that makes an admin.',
    readBy: api,
  }),
  jwtClockToleranceMs: setting({
    env: 'JWT_CLOCK_TOLERANCE',
    type: duration({ min: '0ms', max: '5m' }),
    default: '5s',
    unit: 'duration',
    text: 'How far the clock of the server that signs tokens may differ from ours, for `nbf` and `exp`.',
    readBy: api,
  }),
  accessTokenTtlMs: setting({
    env: 'ACCESS_TOKEN_TTL',
    type: duration({ min: '10s', max: '1d' }),
    default: '15m',
    unit: 'duration',
    text: 'How long an access token is valid.',
    readBy: api,
  }),
  refreshTokenTtlMs: setting({
    env: 'REFRESH_TOKEN_TTL',
    type: duration({ min: '1m', max: '365d' }),
    default: '30d',
    unit: 'duration',
    text: 'How long a login lasts without a refresh.',
    readBy: api,
  }),
  refreshGraceMs: setting({
    env: 'REFRESH_GRACE',
    type: duration({ min: '0ms', max: '5m' }),
    default: '10s',
    unit: 'duration',
    text: 'How long after its first use a refresh token gives the same next pair again, for tabs that send it at the same time. Later it counts as stolen, and its login ends.',
    readBy: api,
  }),
  adminOverHttp: setting({
    env: 'ADMIN_OVER_HTTP',
    type: flag,
    default: 'false',
    unit: 'true or false',
    text: 'Whether admins may log in over plain http in production. Anybody who can read the network traffic can then take over the login.',
    readBy: api,
  }),
} as const;
