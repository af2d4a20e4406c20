import fc from 'fast-check';
import { beginSignIn, type HandMadeProvider } from '../tools/services/hand-made-provider.ts';
import { asJson, odd } from './odd-values.ts';
import { signWith } from './tokens.ts';

/** How a token is signed, and whether that counts. */
type Signature = 'good' | 'other key' | 'none' | 'public key as a secret' | 'changed';

interface FuzzReply {
  /** Claims in the place of the good ones. */
  claims: Record<string, unknown>;
  signature: Signature;
  userinfo: unknown;
  /** What stands in the address beside the code. */
  query: Record<string, string>;
}

interface FuzzLogout {
  claims: Record<string, unknown>;
  signature: Signature;
}

/** The provider's reply is so broken that it counts as away. */
const AWAY = 503;
/** A wrong one of these lets nobody in. */
const BOUND = ['iss', 'aud', 'nonce'];

/**
 * Comes back from an identity provider with fuzzed ID tokens, userinfo and addresses, and sends fuzzed words of logouts. What the
 * provider has not signed, or for another login, lets nobody in and ends nothing, and no reply is an error of the api.
 * @returns how many replies got which status
 * @throws the failure that fast-check found, with the smallest counterexample
 */
export async function fuzzSignIns(options: {
  apiUrl: string;
  provider: HandMadeProvider;
  count: number;
  seed: number;
}): Promise<Record<string, number>> {
  const { apiUrl, provider, count, seed } = options;
  const byStatus: Record<string, number> = {};
  const seen = (what: string, status: number) => {
    byStatus[`${what} ${status}`] = (byStatus[`${what} ${status}`] ?? 0) + 1;
    if (status >= 500 && status !== AWAY) throw new Error(`${what}: ${status}`);
  };
  const signIns = fc.asyncProperty(reply, async ({ claims, signature, userinfo, query }) => {
    const { state, nonce, comeBack } = await beginSignIn(apiUrl);
    const good = provider.idClaims(nonce);
    const idToken = await tokenOf(provider, { ...good, ...claims }, signature);
    const code = provider.grant({ idToken, userinfo });
    const response = await comeBack({ code, state, iss: provider.issuer, ...query });
    await response.text();
    seen('callback', response.status);
    const isIn = response.status === 303;
    const isGood = Object.keys({ ...claims, ...query }).length === 0 && userinfo === undefined;
    const isWrong = signature !== 'good' || BOUND.some((name) => Object.hasOwn(claims, name)) || 'state' in query;
    if (isIn && isWrong) throw new Error('somebody is let in who must not be');
    if (!isIn && isGood && signature === 'good') throw new Error(`nobody is let in: ${response.status}`);
  });
  await fc.assert(signIns, { numRuns: count, seed });
  const logouts = fc.asyncProperty(logout, async ({ claims, signature }) => {
    const token = await tokenOf(provider, { ...provider.logoutClaims(), ...claims }, signature);
    const response = await fetch(`${apiUrl}/auth/oidc/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
    await response.text();
    seen('logout', response.status);
    const counts = response.status === 200;
    if (counts && signature !== 'good') throw new Error('a forged word of a logout counts');
    if (!counts && signature === 'good' && Object.keys(claims).length === 0)
      throw new Error(`it is ${response.status}`);
  });
  await fc.assert(logouts, { numRuns: count, seed });
  return byStatus;
}

const signature = fc.oneof(
  { weight: 3, arbitrary: fc.constant('good' as const) },
  { weight: 1, arbitrary: fc.constantFrom<Signature>('other key', 'none', 'public key as a secret', 'changed') },
);
const claimsNamed = (...names: string[]) =>
  fc.oneof(fc.constant({}), fc.dictionary(fc.constantFrom(...names), odd, { minKeys: 1, maxKeys: 2 }));

const reply: fc.Arbitrary<FuzzReply> = fc.record({
  claims: claimsNamed(
    ...['iss', 'aud', 'nonce', 'sub', 'exp', 'iat', 'nbf', 'azp', 'acr', 'auth_time', 'at_hash'],
    ...['email', 'email_verified', 'role', 'realm_access', '__proto__'],
  ),
  signature,
  userinfo: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.oneof(
        odd,
        odd.map((value) => ({ sub: 'somebody', email: value, role: value })),
      ),
    },
  ),
  query: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.dictionary(
        fc.constantFrom('state', 'code', 'iss', 'error', 'error_description', 'session_state', 'id_token', 'x'),
        fc.string({ minLength: 1, maxLength: 200 }),
        { minKeys: 1, maxKeys: 3 },
      ),
    },
  ),
});

const logout: fc.Arbitrary<FuzzLogout> = fc.record({
  claims: claimsNamed('iss', 'aud', 'sub', 'iat', 'exp', 'jti', 'events', 'nonce', 'sid', 'nbf', '__proto__'),
  signature,
});

async function tokenOf(provider: HandMadeProvider, claims: object, how: Signature): Promise<string> {
  const payload = Buffer.from(asJson(claims));
  const header = { alg: 'RS256', kid: provider.keyId };
  const encode = (part: Buffer | string) => Buffer.from(part).toString('base64url');
  if (how === 'other key') return provider.sign(payload, { key: provider.otherKey });
  if (how === 'none') return `${encode(JSON.stringify({ ...header, alg: 'none' }))}.${encode(payload)}.`;
  if (how === 'public key as a secret') {
    const secret = provider.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    return signWith('HS256', secret, { ...header, alg: 'HS256' }, payload);
  }
  const token = await provider.sign(payload);
  if (how === 'good') return token;
  const [head, body, mark] = token.split('.') as [string, string, string];
  return `${head}.${body}.${mark[0] === 'A' ? 'B' : 'A'}${mark.slice(1)}`;
}
