import { z } from 'zod';

export const roles = ['user', 'operator', 'privacy_officer', 'admin'] as const;
const role = z.enum(roles);

/**
 * What somebody may do. Everybody may do what a user may: ask, and read what is theirs. What the others may do at `/admin` is in
 * `adminRights`: an operator keeps the work going, a privacy officer may read texts, an admin manages accounts and settings.
 */
export type Role = z.output<typeof role>;

/** Somebody who can log in. Times are ISO 8601. */
export const account = z.object({
  userId: z.string(),
  /** Lower case. */
  email: z.string(),
  /** PHC string of argon2id. */
  passwordHash: z.string(),
  role,
  /** The organisation of the user; left out: none. */
  tenantId: z.string().optional(),
  createdAt: z.string(),
  /** Left out: it is the one that the account was made with. */
  passwordChangedAt: z.string().optional(),
  /** Since when nobody can log in; left out: everything is well. */
  disabledAt: z.string().optional(),
});

export type Account = z.output<typeof account>;

/** What a valid access token says. */
export interface VerifiedToken extends Caller {
  /** The login that the token belongs to. Only our own tokens have it. */
  loginId?: string | undefined;
  /** Seconds since 1970. */
  expiresAt: number;
  /** When its holder has shown who they are (`auth_time`), or else when it was made. Seconds since 1970; undefined: it does not say. */
  authenticatedAt?: number | undefined;
}

/** The sender of a request, whose account is ours or an identity provider's. */
export interface Caller {
  userId: string;
  role: Role;
  /** The organisation of the user. undefined: none. */
  tenantId?: string | undefined;
}
