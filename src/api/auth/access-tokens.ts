import { createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Caller } from '../../contracts/account.ts';

export interface AccessTokens {
  /**
   * Makes a JWT (HS256) with the user, the role and the login.
   * @param loginId the login that the token belongs to. The token is refused once the login has ended, see EndedLogins
   * @param issuedAt in seconds since 1970; left out: now. The same caller, login and time give the same token
   */
  sign(caller: Caller, loginId: string, issuedAt?: number): Promise<string>;
  readonly ttlSeconds: number;
}

export function createAccessTokens(options: {
  secret: string;
  issuer: string;
  audience: string;
  ttlMs: number;
}): AccessTokens {
  const { secret, issuer, audience, ttlMs } = options;
  const key = createSecretKey(secret, 'utf8');
  const ttlSeconds = Math.floor(ttlMs / 1000);
  return {
    ttlSeconds,
    sign: ({ userId, role }, loginId, issuedAt = Math.floor(Date.now() / 1000)) =>
      new SignJWT({ role, sid: loginId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .sign(key),
  };
}
