import { SignJWT } from 'jose';
import type { Caller } from '../../contracts/account.ts';
import { OWN_TENANT_CLAIM, ownKeyOf } from './own-keys.ts';

/** When a token was made, and when its login began and ends, in seconds since 1970. */
export interface TokenTimes {
  /** Left out: now. */
  issuedAt?: number;
  /** When its holder has shown who they are (`auth_time`). Left out: it is not known. */
  loginStartedAt?: number | undefined;
  /** The token does not outlive it. Left out: the login has no end. */
  loginEndsAt?: number;
}

export interface AccessTokens {
  /**
   * Makes a JWT (HS256) with the user, the role, the tenant and the login. The same caller, login and times give the same token.
   * @param loginId the login that the token belongs to. The token is refused once the login has ended, see EndedLogins
   */
  sign(caller: Caller, loginId: string, times?: TokenTimes): Promise<string>;
  /** When such a token expires, in seconds since 1970. */
  expiryOf(times: TokenTimes & { issuedAt: number }): number;
  readonly ttlSeconds: number;
}

/** @param options.secret of the key that signs; its id stands in each token (`kid`) */
export function createAccessTokens(options: {
  secret: string;
  issuer: string;
  audience: string;
  ttlMs: number;
}): AccessTokens {
  const { secret, issuer, audience, ttlMs } = options;
  const { kid, key } = ownKeyOf(secret);
  const ttlSeconds = Math.floor(ttlMs / 1000);
  const expiryOf = ({ issuedAt, loginEndsAt = Number.POSITIVE_INFINITY }: TokenTimes & { issuedAt: number }) =>
    Math.min(issuedAt + ttlSeconds, loginEndsAt);
  return {
    ttlSeconds,
    expiryOf,
    sign: (caller, loginId, { issuedAt = Math.floor(Date.now() / 1000), loginStartedAt, loginEndsAt } = {}) =>
      new SignJWT({
        role: caller.role,
        ...(caller.tenantId !== undefined && { [OWN_TENANT_CLAIM]: caller.tenantId }),
        ...(loginStartedAt !== undefined && { auth_time: loginStartedAt }),
        sid: loginId,
      })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid })
        .setSubject(caller.userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiryOf({ issuedAt, ...(loginEndsAt !== undefined && { loginEndsAt }) }))
        .sign(key),
  };
}
