/** What somebody may do. An admin may do everything that a user may, and use /admin. */
export type Role = 'user' | 'admin';

/** Somebody who can log in. */
export interface Account {
  userId: string;
  /** Lower case. */
  email: string;
  /** PHC string of argon2id. */
  passwordHash: string;
  role: Role;
  /** ISO 8601. */
  createdAt: string;
}

/** What a valid access token says. */
export interface VerifiedToken extends Caller {
  /** The login that the token belongs to. Only our own tokens have it. */
  loginId?: string | undefined;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** The sender of a request, whose account is ours or an identity provider's. */
export interface Caller {
  userId: string;
  role: Role;
}
