import { z } from 'zod';
import { api, setting } from '../setting.ts';
import { duration, flag, names, optional, text, url } from '../value-types.ts';

export const identityProvider = {
  oidcIssuer: setting({
    env: 'OIDC_ISSUER',
    type: optional(url('https', 'http')),
    default: '',
    unit: 'URL',
    text: 'An identity provider at which people log in to the pages (OpenID Connect): its issuer, such as `https://login.example.com/realms/clinic`. It needs OIDC_CLIENT_ID and PUBLIC_URL. Register `PUBLIC_URL/auth/oidc/callback` there as the redirect address. JWT_ROLES_CLAIM, JWT_ADMIN_ROLE, JWT_OPERATOR_ROLE, JWT_PRIVACY_OFFICER_ROLE and JWT_TENANT_CLAIM say what its claims mean.',
    connects: true,
    readBy: api,
  }),
  oidcName: setting({
    env: 'OIDC_NAME',
    type: text(60),
    default: 'your organisation',
    unit: 'name',
    text: 'What people call the identity provider. The buttons say: Log in with …',
    readBy: api,
  }),
  oidcClientId: setting({
    env: 'OIDC_CLIENT_ID',
    type: text(500),
    default: '',
    unit: 'name',
    text: 'The id that the identity provider has given us.',
    readBy: api,
  }),
  oidcClientSecret: setting({
    env: 'OIDC_CLIENT_SECRET',
    type: optional(text(4_000)),
    default: '',
    unit: 'secret',
    text: 'The secret that the identity provider has given us. Left out: we are a public client there.',
    mayBeInFile: true,
    readBy: api,
  }),
  oidcScopes: setting({
    env: 'OIDC_SCOPES',
    type: z
      .string()
      .transform((list) => list.split(/[\s,]+/).filter((scope) => scope !== ''))
      .refine((scopes) => scopes.includes('openid'), 'must have openid'),
    default: 'openid email',
    unit: 'names',
    text: 'The scopes that we ask for, separated by blanks or commas. Add the one that brings the roles, if your provider has one.',
    readBy: api,
  }),
  oidcAcrValues: setting({
    env: 'OIDC_ACR_VALUES',
    type: names,
    default: '',
    unit: 'names',
    text: 'How people must have logged in at the identity provider: one of these `acr`, separated by commas. We ask for them, and let nobody in whose ID token has none of them. Left out: any way will do.',
    readBy: api,
  }),
  oidcMaxAgeMs: setting({
    env: 'OIDC_MAX_AGE',
    type: optional(duration({ min: '1m', max: '30d' })),
    default: '',
    unit: 'duration',
    text: 'How long ago people may have logged in at the identity provider, before it must ask them again. Left out: as the provider wants.',
    readBy: api,
  }),
  oidcRoleTtlMs: setting({
    env: 'OIDC_ROLE_TTL',
    type: duration({ min: '1m', max: '1d' }),
    default: '30m',
    unit: 'duration',
    text: 'How long a role above `user` counts after the identity provider has last said it. Then the operations page goes back to the provider, which answers at once while its own login lasts.',
    readBy: api,
  }),
  oidcLoginMaxMs: setting({
    env: 'OIDC_LOGIN_MAX',
    type: duration({ min: '1m', max: '365d' }),
    default: '12h',
    unit: 'duration',
    text: 'How long a login to the chat page by the identity provider lasts at most, however often it is refreshed.',
    readBy: api,
  }),
  passwordLogin: setting({
    env: 'PASSWORD_LOGIN',
    type: flag,
    default: 'true',
    unit: 'true or false',
    text: 'Whether people may log in with a password and make accounts. It can be false only with OIDC_ISSUER.',
    readBy: api,
  }),
} as const;
