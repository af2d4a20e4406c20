import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import type { Dispatcher } from 'undici';
import { createProviderKeys, KeysUnavailableError } from '../../adapters/identity-provider/provider-keys.ts';
import type { VerifiedToken } from '../../contracts/account.ts';
import type { StaffRole } from '../../contracts/admin-rights.ts';
import { id } from '../../contracts/scalars.ts';
import { findClaim, namesIn, roleIn, tenantIn } from './claims.ts';
import { OWN_TENANT_CLAIM, verifyWithOwnKeys } from './own-keys.ts';

/** How tokens are checked: with our own secrets, or with the keys that an identity provider publishes. */
export type TokenKeys = { secrets: readonly string[] } | { jwksUrl: string; dispatcher: Dispatcher };

/** What a token must contain, and which claims have the roles. */
export interface TokenRules {
  issuer: string;
  /** A token must be intended for one of these. */
  audiences: string[];
  /** The claim with the audience: `aud`, or `client_id` for Cognito. */
  audienceClaim: string;
  /** Name or path of the claim that lists the roles: see findClaim. */
  rolesClaim: string;
  /** The names in that claim which make somebody more than a user. If a token has several, the first of these counts. */
  roleNames: Readonly<Record<StaffRole, string>>;
  /** Name or path of the claim that has the tenant. Left out: no token has one. */
  tenantClaim?: string | undefined;
  /** How far the clock of the server that signs tokens may differ from ours. */
  clockToleranceMs: number;
}

/** A token is refused. `reason` is safe to log, and so is `algorithm`, which the token asks for. */
export class TokenRefusedError extends Error {
  readonly reason: string;
  readonly algorithm: string | undefined;

  constructor(reason: string, algorithm: string | undefined) {
    super(`the token is refused: ${reason}`);
    this.name = 'TokenRefusedError';
    this.reason = reason;
    this.algorithm = algorithm;
  }
}

/**
 * Finds out whose a token is.
 * @throws TokenRefusedError
 * @throws KeysUnavailableError
 */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

const OWN_ROLE_NAMES = { admin: 'admin', privacy_officer: 'privacy_officer', operator: 'operator' } as const;
const OWN_ALGORITHMS = ['HS256'];
/** Only algorithms with public keys. Otherwise a forger could use the published key as the secret of an HMAC. */
const PROVIDER_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512'],
  ...['PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512'],
  ...['EdDSA', 'Ed25519'],
];

/**
 * Verifies tokens. We decide which algorithms are accepted, and the key decides which of them fits. The token decides
 * nothing.
 */
export function createTokenVerifier(options: { keys: TokenKeys; rules: TokenRules }): VerifyToken {
  const { keys, rules } = options;
  const own = 'secrets' in keys;
  const usesAud = own || rules.audienceClaim === 'aud';
  const verifyOptions: JWTVerifyOptions = {
    algorithms: own ? OWN_ALGORITHMS : PROVIDER_ALGORITHMS,
    issuer: rules.issuer,
    ...(usesAud && { audience: rules.audiences }),
    clockTolerance: rules.clockToleranceMs / 1000,
    requiredClaims: ['exp', 'sub'],
  };
  const verify = own
    ? verifyWithOwnKeys(keys.secrets, verifyOptions)
    : withKeySet(createProviderKeys(keys.jwksUrl, keys.dispatcher), verifyOptions);

  return async (token) => {
    try {
      const claims = await verify(token);
      if (!usesAud && !isMeantForUs(claims, rules)) throw new ClaimError(rules.audienceClaim);
      const loginId = own && typeof claims.sid === 'string' ? claims.sid : undefined;
      return {
        userId: readUserId(claims),
        role: own ? roleIn(claims, 'role', OWN_ROLE_NAMES) : roleIn(claims, rules.rolesClaim, rules.roleNames),
        tenantId: tenantIn(claims, own ? OWN_TENANT_CLAIM : rules.tenantClaim),
        loginId,
        expiresAt: claims.exp!,
        authenticatedAt: authenticatedAtOf(claims, loginId),
      };
    } catch (error) {
      // After any other error the token is refused.
      throw error instanceof KeysUnavailableError ? error : new TokenRefusedError(reasonOf(error), algorithmOf(token));
    }
  };
}

class ClaimError extends Error {
  readonly claim: string;

  constructor(claim: string) {
    super('a claim is not as it must be');
    this.claim = claim;
  }
}

/** If a token does not say which key has signed it and several keys fit, each of them is tried. */
const withKeySet = (findKey: JWTVerifyGetKey, options: JWTVerifyOptions) => async (token: string) => {
  try {
    return (await jwtVerify(token, findKey, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (mismatch) {
        if (!(mismatch instanceof errors.JWSSignatureVerificationFailed)) throw mismatch;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
};

const isMeantForUs = (claims: JWTPayload, { audienceClaim, audiences }: TokenRules) =>
  namesIn(findClaim(claims, audienceClaim)).some((name) => audiences.includes(name));

function readUserId({ sub }: JWTPayload): string {
  const userId = id.safeParse(sub);
  if (!userId.success) throw new ClaimError('sub');
  return userId.data;
}

/** A token of one of our logins that does not say when that began may be the latest of many. */
function authenticatedAtOf({ auth_time: at, iat }: JWTPayload, loginId: string | undefined): number | undefined {
  if (typeof at === 'number') return at;
  return loginId === undefined ? iat : undefined;
}

function reasonOf(error: unknown): string {
  const { code, claim } = error as { code?: unknown; claim?: unknown };
  if (typeof claim === 'string' && claim !== 'unspecified') return `claim ${claim}`;
  return typeof code === 'string' ? code : 'malformed';
}

function algorithmOf(token: string): string | undefined {
  try {
    const { alg } = decodeProtectedHeader(token);
    return typeof alg === 'string' && /^[\w-]{1,20}$/.test(alg) ? alg : undefined;
  } catch {
    return undefined;
  }
}
