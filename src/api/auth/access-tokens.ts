import { createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { User } from '../../adapters/users/user-store.ts';

/** Who sent a request. */
export interface Caller {
  userId: string;
  role: User['role'];
}

export interface AccessTokens {
  /**
   * Makes a JWT (HS256) that names the user, the role and the login.
   * @param loginId what ends the token before its time, once the login has ended: see EndedLogins
   */
  sign(caller: Caller, loginId: string): Promise<string>;
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
    sign: ({ userId, role }, loginId) =>
      new SignJWT({ role, sid: loginId })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${ttlSeconds}s`)
        .sign(key),
  };
}
