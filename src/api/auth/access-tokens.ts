import jwt from 'jsonwebtoken';
import type { User } from '../../adapters/users/user-store.ts';

/** What tokens must carry. */
export interface TokenClaims {
  issuer: string;
  audience: string;
}

/** Who sent a request. */
export interface Caller {
  userId: string;
  role: User['role'];
}

export interface AccessTokens {
  /** A JWT (HS256) that names the user and the role. */
  sign(caller: Caller): string;
  readonly ttlSeconds: number;
}

export function createAccessTokens(options: TokenClaims & { secret: string; ttlMs: number }): AccessTokens {
  const { secret, issuer, audience, ttlMs } = options;
  const ttlSeconds = Math.floor(ttlMs / 1000);
  return {
    ttlSeconds,
    sign: ({ userId, role }) =>
      jwt.sign({ role }, secret, { algorithm: 'HS256', subject: userId, issuer, audience, expiresIn: ttlSeconds }),
  };
}
