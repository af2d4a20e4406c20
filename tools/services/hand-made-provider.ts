import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { CompactSign } from 'jose';

const CLIENT_ID = 'healify';
const CLIENT_SECRET = 'known-to-the-test';
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** What the provider says once a code is redeemed. */
export interface Grant {
  /** Left out: there is none. */
  idToken?: string;
  /** What userinfo says; left out: `sub` of the good claims. */
  userinfo?: unknown;
}

/**
 * An OpenID provider that says whatever it is told, as no real one would: it lets nobody log in, but gives out codes for replies of
 * any kind. It publishes one key (RS256) at a time.
 */
export async function startHandMadeProvider() {
  const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  let current = { kid: 'one', ...newKey() };
  const grants = new Map<string, Grant>();

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const json = (value: unknown, status = 200) =>
      void res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    const { pathname } = new URL(req.url!, issuer);
    if (pathname === '/.well-known/openid-configuration') return json(metadata);
    if (pathname === '/jwks')
      return json({ keys: [{ ...current.publicKey.export({ format: 'jwk' }), kid: current.kid, use: 'sig' }] });
    if (pathname === '/token') {
      const code = new URLSearchParams(await text(req)).get('code') ?? '';
      const grant = grants.get(code);
      if (!grant) return json({ error: 'invalid_grant' }, 400);
      const { idToken } = grant;
      return json({ access_token: code, token_type: 'Bearer', ...(idToken !== undefined && { id_token: idToken }) });
    }
    if (pathname === '/userinfo') {
      const grant = grants.get(req.headers.authorization?.split(' ')[1] ?? '');
      return grant ? json(grant.userinfo ?? { sub: SUBJECT }) : json({ error: 'invalid_token' }, 401);
    }
    json({ error: 'not_found' }, 404);
  }

  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy());
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const metadata = {
    issuer,
    ...{ authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` },
    ...{ userinfo_endpoint: `${issuer}/userinfo`, end_session_endpoint: `${issuer}/logout` },
    ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
    ...{ id_token_signing_alg_values_supported: ['RS256'], authorization_response_iss_parameter_supported: true },
  };
  const now = () => Math.floor(Date.now() / 1000);
  return {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    /** For an api whose people log in here. */
    settings: { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET },
    /** What it publishes now. */
    get publicKey() {
      return current.publicKey;
    },
    get keyId() {
      return current.kid;
    },
    /** Publishes another key instead, and signs with that from now on. */
    changeKey: () => {
      current = { kid: randomBytes(4).toString('hex'), ...newKey() };
    },
    /** A key that the provider does not publish. */
    otherKey: newKey().privateKey,
    /** Signs any bytes as a JWT. */
    sign: (
      payload: object | Uint8Array,
      { key = current.privateKey as KeyObject | Uint8Array, ...header } = {} as Signing,
    ) =>
      new CompactSign(payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'RS256', kid: current.kid, ...header })
        .sign(key),
    /** The claims of an ID token that lets somebody in. */
    idClaims: (nonce: string) => ({
      ...{ iss: issuer, aud: CLIENT_ID, sub: SUBJECT, nonce },
      ...{ iat: now(), exp: now() + 300 },
    }),
    /** The claims of a token that says that somebody has logged out. */
    logoutClaims: (subject: string = SUBJECT) => ({
      ...{ iss: issuer, aud: CLIENT_ID, sub: subject, iat: now(), exp: now() + 120 },
      ...{ jti: randomBytes(8).toString('hex'), events: { [LOGOUT_EVENT]: {} } },
    }),
    /** Returns a code that can be redeemed for this. */
    grant: (grant: Grant): string => {
      const code = randomBytes(12).toString('hex');
      grants.set(code, grant);
      return code;
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The one person that it knows. */
const SUBJECT = 'somebody';

interface Signing {
  key?: KeyObject | Uint8Array;
  alg?: string;
  kid?: string;
}

export type HandMadeProvider = Awaited<ReturnType<typeof startHandMadeProvider>>;

/**
 * Begins a login at an api, without going to the provider. Returns what the api has sent along, and a function that comes back with
 * a reply in the same browser.
 */
export async function beginSignIn(apiUrl: string, query = '') {
  const begun = await fetch(`${apiUrl}/auth/oidc/login${query}`, { redirect: 'manual' });
  if (begun.status !== 303) throw new Error(`login: ${begun.status}`);
  const cookie = begun.headers.getSetCookie()[0]!.split(';')[0]!;
  const asked = new URL(begun.headers.get('location')!).searchParams;
  return {
    cookie,
    state: asked.get('state')!,
    nonce: asked.get('nonce')!,
    comeBack: (reply: Record<string, string>) =>
      fetch(`${apiUrl}/auth/oidc/callback?${new URLSearchParams(reply)}`, {
        headers: { Cookie: cookie },
        redirect: 'manual',
      }),
  };
}
