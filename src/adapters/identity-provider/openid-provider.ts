import { compactVerify, type JWTPayload, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import type { Dispatcher } from 'undici';
import { undici } from '../../contracts/packages.ts';
import { keepDiscovered } from './discovered.ts';
import {
  type IdentityProvider,
  ProviderUnavailableError,
  SignInRefusedError,
  type SignInSecrets,
} from './identity-provider.ts';
import { createProviderKeys, KeysUnavailableError } from './provider-keys.ts';

const TIMEOUT_SECONDS = 5;
/** A logout token is sent at once, so an old one is a repeated one. */
const LOGOUT_TOKEN_AGE_SECONDS = 300;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

export interface OpenIdProviderOptions {
  issuer: string;
  clientId: string;
  /** undefined: a public client, which PKCE protects. */
  clientSecret: string | undefined;
  /** Our own address, to which the provider sends the browser back. */
  redirectUrl: string;
  scopes: readonly string[];
  /** One of these ways to log in must be shown by the ID token (`acr`). Empty: any. */
  acrValues: readonly string[];
  /** How long ago somebody may have logged in at the provider. undefined: any time. */
  maxAgeMs: number | undefined;
  clockToleranceMs: number;
  /** The connections, and the proxy, if one is needed. */
  dispatcher: Dispatcher;
}

/** An identity provider, by OpenID Connect: authorization code with PKCE. It is asked for the first time when it is needed. */
export function createOpenIdProvider(options: OpenIdProviderOptions): IdentityProvider {
  const { issuer, clientId, redirectUrl, scopes, acrValues, maxAgeMs, dispatcher } = options;
  const maxAge = maxAgeMs === undefined ? undefined : Math.floor(maxAgeMs / 1000);
  const clockTolerance = options.clockToleranceMs / 1000;
  const { fetch } = undici();
  const ask = ((url, init) => fetch(url, { ...(init as object), dispatcher })) as openid.CustomFetch;

  const discovered = keepDiscovered(async () => {
    const configuration = await openid.discovery(
      new URL(issuer),
      clientId,
      { [openid.clockTolerance]: clockTolerance },
      clientAuthentication(options.clientSecret),
      {
        [openid.customFetch]: ask,
        timeout: TIMEOUT_SECONDS,
        execute: new URL(issuer).protocol === 'http:' ? [openid.allowInsecureRequests] : [],
      },
    );
    const { jwks_uri } = configuration.serverMetadata();
    if (!jwks_uri) throw new Error('it publishes no keys');
    return { configuration, keys: createProviderKeys(jwks_uri, dispatcher) };
  });

  return {
    prepare: async () => void (await discovered()),
    signInUrl: async ({ state, nonce, codeVerifier }) => {
      const { configuration } = await discovered();
      return openid.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUrl,
        scope: scopes.join(' '),
        ...{ state, nonce, code_challenge_method: 'S256' },
        code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
        ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
        ...(maxAge !== undefined && { max_age: String(maxAge) }),
      });
    },
    redeem: async ({ state, nonce, codeVerifier }: SignInSecrets, reply) => {
      const { configuration, keys } = await discovered();
      const asked = new URL(redirectUrl);
      asked.search = reply.toString();
      return await orRefused(async () => {
        const tokens = await openid.authorizationCodeGrant(configuration, asked, {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true },
          ...(maxAge !== undefined && { maxAge }),
        });
        // openid-client would not know a new key of the provider for a minute.
        await compactVerify(tokens.id_token!, keys);
        const idToken = tokens.claims()!;
        if (acrValues.length > 0 && !acrValues.includes(String(idToken.acr))) {
          throw new SignInRefusedError('assurance', 'claim acr');
        }
        const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
        const more = hasMore ? await openid.fetchUserInfo(configuration, tokens.access_token, idToken.sub) : {};
        return { subject: idToken.sub, claims: { ...more, ...idToken } };
      });
    },
    signOutUrl: async (returnTo) => {
      const { configuration } = await discovered();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
      return openid.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo });
    },
    readLogoutToken: async (token) => {
      const { configuration, keys } = await discovered();
      return await orRefused(async () => {
        const { payload } = await jwtVerify(token, keys, {
          ...{ issuer: configuration.serverMetadata().issuer, audience: clientId, clockTolerance },
          requiredClaims: ['iat', 'jti'],
          maxTokenAge: LOGOUT_TOKEN_AGE_SECONDS,
        });
        if (!isLogout(payload)) throw new SignInRefusedError('invalid', 'no logout token');
        const { sub: subject, jti } = payload;
        if (subject === undefined) throw new SignInRefusedError('invalid', 'claim sub');
        // Its clock may be ahead of ours, or behind.
        const countsForMs = (LOGOUT_TOKEN_AGE_SECONDS + 2 * clockTolerance) * 1000;
        return { subject, tokenId: String(jti), countsForMs };
      });
    },
  };
}

/** An ID token has a nonce, so it can never be taken for a logout token. */
const isLogout = ({ events, nonce }: JWTPayload) =>
  nonce === undefined && typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT);

/** Sends the secret as the provider wants it. The standard's own way is HTTP Basic. */
function clientAuthentication(secret: string | undefined): openid.ClientAuth {
  if (secret === undefined) return openid.None();
  const [basic, post] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const ways = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (ways.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

/** What these codes stand for was not the reply of the provider that the standard describes. A proxy may have sent it. */
const AWAY = new Set(['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON']);
/** The standard's names of errors, such as `access_denied`. */
const DENIAL = /^\w{1,64}$/;

/** @throws SignInRefusedError, ProviderUnavailableError */
async function orRefused<T>(redeem: () => Promise<T>): Promise<T> {
  try {
    return await redeem();
  } catch (cause) {
    if (cause instanceof SignInRefusedError) throw cause;
    if (cause instanceof KeysUnavailableError) throw new ProviderUnavailableError(cause);
    const { code, error, status } = cause as { code?: unknown; error?: unknown; status?: unknown };
    if (cause instanceof openid.AuthorizationResponseError || cause instanceof openid.ResponseBodyError) {
      if (typeof status === 'number' && status >= 500) throw new ProviderUnavailableError(cause);
      throw new SignInRefusedError('denied', DENIAL.test(String(error)) ? String(error) : 'unknown', { cause });
    }
    if (typeof code === 'string' && !AWAY.has(code)) throw new SignInRefusedError('invalid', code, { cause });
    throw new ProviderUnavailableError(cause);
  }
}
