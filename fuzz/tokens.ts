import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { JWT_SECRET } from '../chaos/stack.ts';
import { ownKeyOf } from '../src/api/auth/own-keys.ts';
import type { Role } from '../src/contracts/account.ts';
import { odd } from './odd-values.ts';

/** Who signs access tokens: the product itself, or an identity provider. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** A token of this user. */
  issue(userId: string, role: Role): string;
  /** Signs a JWT as its issuer does. */
  sign(header: object, payload: Buffer): string;
  /** The algorithm and the key that its tokens name. */
  readonly header: { alg: string; kid: string };
  /** What a forger may know or guess: keys that must open nothing, by the algorithm that they would be used with. */
  readonly otherKeys: readonly { alg: string; key: KeyObject | string }[];
}

const ALGORITHMS = ['HS256', 'HS384', 'RS256', 'PS256', 'ES256', 'EdDSA', 'none', 'None', '', 'dir', 'RSA-OAEP'];
/** What everybody may ask for, and what only some may. */
const [OWN, STAFF] = ['/chat/sessions', '/admin/overview'];
/** 431: a header is too long for Node. */
const REFUSED = [401, 431];
const PARTS = 3;
const HOUR_SECONDS = 3_600;

/** Whose tokens these are. Where the product has the accounts, there must be one for this user, without a role. */
export const TOKEN_USER = 'fuzz-token';

interface FuzzToken {
  text: string;
  /** `yes` and `no` are certain. `maybe`: both are right, an error is not. */
  opens: 'yes' | 'no' | 'maybe';
}

/**
 * Sends fuzzed access tokens. What is signed by somebody else, or with claims that must be otherwise, opens nothing, and no
 * token is an error of the api.
 * @returns how many tokens got which status
 * @throws the failure that fast-check found, with the smallest counterexample
 */
export async function fuzzTokens(options: {
  apiUrl: string;
  tokens: TokenIssuer;
  count: number;
  seed: number;
}): Promise<Record<string, number>> {
  const { apiUrl, tokens, count, seed } = options;
  const byStatus: Record<string, number> = {};
  const property = fc.asyncProperty(tokenOf(tokens), async ({ text, opens }) => {
    for (const path of [OWN, STAFF]) {
      const response = await fetch(`${apiUrl}${path}`, { headers: { Authorization: `Bearer ${text}` } });
      const { status } = response;
      await response.text();
      byStatus[`${path} ${status}`] = (byStatus[`${path} ${status}`] ?? 0) + 1;
      const isOpen = !REFUSED.includes(status);
      // These tokens give nobody a role.
      const expected = [...REFUSED, path === OWN ? 200 : 403];
      if (!expected.includes(status)) throw new Error(`${path}: ${status}`);
      if (opens !== 'maybe' && isOpen !== (opens === 'yes')) throw new Error(`${path}: ${status}, but opens: ${opens}`);
    }
  });
  await fc.assert(property, { numRuns: count, seed });
  return byStatus;
}

const encode = (part: Buffer | string) => Buffer.from(part).toString('base64url');

/** Signs a JWT with any key, as a forger would. */
export function signWith(alg: string, key: KeyObject | string, header: object, payload: Buffer): string {
  const input = Buffer.from(`${encode(JSON.stringify(header))}.${encode(payload)}`);
  const hash = `sha${alg.slice(-3)}`;
  const signature = typeof key === 'string' ? createHmac(hash, key).update(input) : undefined;
  return `${input}.${(signature?.digest() ?? sign(alg === 'EdDSA' ? null : hash, input, key as KeyObject)).toString('base64url')}`;
}

/** Makes an issuer. */
export function createIssuer(options: Omit<TokenIssuer, 'issue'>): TokenIssuer {
  const { sign, header, ...names } = options;
  return {
    ...options,
    issue: (userId, role) => sign({ typ: 'JWT', ...header }, asPayload({ ...claimsOf(names, userId), role })),
  };
}

const { kid } = ownKeyOf(JWT_SECRET);

/** The product's own tokens. */
export const ownTokens = createIssuer({
  ...{ issuer: 'healify-chat', audience: 'healify-chat' },
  header: { alg: 'HS256', kid },
  sign: (header, payload) => signWith('HS256', JWT_SECRET, header, payload),
  otherKeys: [
    { alg: 'HS256', key: 'another-secret-another-secret-another-secret' },
    { alg: 'HS256', key: kid },
    { alg: 'HS512', key: JWT_SECRET },
    { alg: 'EdDSA', key: generateKeyPairSync('ed25519').privateKey },
  ],
});

const asPayload = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '');

function claimsOf({ issuer, audience }: Pick<TokenIssuer, 'issuer' | 'audience'>, userId: string) {
  const now = Math.floor(Date.now() / 1000);
  return { sub: userId, iss: issuer, aud: audience, iat: now, exp: now + HOUR_SECONDS };
}

function tokenOf(tokens: TokenIssuer): fc.Arbitrary<FuzzToken> {
  const { header } = tokens;
  const claims = () => claimsOf(tokens, TOKEN_USER);
  const good = fc.constant(undefined).map(() => ({
    text: tokens.sign({ typ: 'JWT', ...header }, asPayload(claims())),
    opens: 'yes' as const,
  }));
  const otherwise = fc.constantFrom('nobody', '', 'x'.repeat(10_000), -1, 0, 1e308, null, true, {}, [], ['nobody']);
  /** A claim that must be as it is. */
  const wrongClaim = fc.tuple(fc.constantFrom('iss', 'aud', 'exp'), otherwise).map(([name, value]) => ({
    text: tokens.sign({ typ: 'JWT', ...header }, asPayload({ ...claims(), [name]: value })),
    // The years until 1e308 have not passed yet.
    opens: name === 'exp' && value === 1e308 ? ('maybe' as const) : ('no' as const),
  }));
  const withoutClaim = fc.constantFrom('iss', 'aud', 'exp', 'sub').map((name) => ({
    text: tokens.sign({ typ: 'JWT', ...header }, asPayload({ ...claims(), [name]: undefined })),
    opens: 'no' as const,
  }));
  const oddClaims = fc
    .dictionary(
      fc.constantFrom('sub', 'iat', 'nbf', 'jti', 'auth_time', 'sid', 'tenant', 'realm_access', '__proto__'),
      odd,
    )
    .map((some) => ({
      text: tokens.sign({ typ: 'JWT', ...header }, asPayload({ ...claims(), ...some })),
      opens: 'maybe' as const,
    }));
  const oddPayload = fc
    .oneof(odd.map(asPayload), fc.uint8Array({ maxLength: 100 }).map(Buffer.from), fc.constant(Buffer.from('{')))
    .map((payload) => ({ text: tokens.sign({ typ: 'JWT', ...header }, payload), opens: 'no' as const }));
  const oddHeader = fc
    .dictionary(
      fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'zip', 'jwk', 'jku', 'x5u', 'x5c', 'cty'),
      fc.oneof(odd, fc.constantFrom(...ALGORITHMS)),
    )
    .map((some) => ({
      text: tokens.sign({ typ: 'JWT', ...header, ...some }, asPayload(claims())),
      opens: 'maybe' as const,
    }));
  const forged = fc
    .tuple(fc.constantFrom(...tokens.otherKeys), fc.boolean(), fc.boolean())
    .map(([{ alg, key }, named, own]) => ({
      text: signWith(alg, key, { alg: own ? alg : header.alg, ...(named && { kid: header.kid }) }, asPayload(claims())),
      opens: 'no' as const,
    }));
  const unsigned = fc.constantFrom(...ALGORITHMS).map((alg) => ({
    text: `${encode(JSON.stringify({ ...header, alg }))}.${encode(asPayload(claims()))}.`,
    opens: 'no' as const,
  }));
  /** One character of a part is another one. The last ones may stand for no byte of their own. */
  const changed = fc.tuple(fc.nat(PARTS - 1), fc.nat(1_000)).map(([part, at]) => {
    const parts = tokens.sign({ typ: 'JWT', ...header }, asPayload(claims())).split('.');
    const old = parts[part]!;
    const place = at % (old.length - 4);
    parts[part] = `${old.slice(0, place)}${old[place] === 'A' ? 'B' : 'A'}${old.slice(place + 1)}`;
    return { text: parts.join('.'), opens: 'no' as const };
  });
  const words = fc.stringMatching(/^[\x21-\x7e]{1,300}$/).map((text) => ({ text, opens: 'no' as const }));
  return fc.oneof(good, wrongClaim, withoutClaim, oddClaims, oddPayload, oddHeader, forged, unsigned, changed, words);
}
