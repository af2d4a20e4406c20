import { z } from 'zod';

export const roles = ['user', 'operator', 'privacy_officer', 'admin'] as const;
const role = z.enum(roles);

/**
 * What somebody may do. Everybody may do what a user may: ask, and read what is theirs. What the others may do at `/admin` is in
 * `adminRights`: an operator keeps the work going, a privacy officer may read texts, an admin manages accounts and settings.
 */
export type Role = z.output<typeof role>;

/** Whether an account above `user` needs a second factor before its role counts. */
export const secondFactorRules = ['required', 'optional'] as const;

export type SecondFactorRule = (typeof secondFactorRules)[number];

const secondFactor = z.object({
  /** The secret that the authenticator app has, too, in base32; left out: it is in `sealed`. */
  secret: z.string().optional(),
  sealed: z.string().optional(),
  /** Since when logins need it, ISO 8601; left out: the app has not shown yet that it has the secret. */
  confirmedAt: z.string().optional(),
  /** The latest step of 30 seconds, counted since 1970, whose code was used. */
  lastStep: z.number(),
  /** SHA-256, in hex, of each recovery code that was not used. */
  recoveryCodes: z.array(z.string()),
});

/** An authenticator app (TOTP), whose code a login needs besides the password. */
export type KeptSecondFactor = z.output<typeof secondFactor>;

/** Somebody who can log in. Times are ISO 8601. */
export const account = z.object({
  userId: z.string(),
  /** Lower case. For somebody who logs in at an identity provider, a name that is no email: see createProviderAccounts. */
  email: z.string(),
  /** PHC string of argon2id. Left out: nobody can log in with a password. */
  passwordHash: z.string().optional(),
  role,
  /** The organisation of the user; left out: none. */
  tenantId: z.string().optional(),
  createdAt: z.string(),
  /** Left out: it is the one that the account was made with. */
  passwordChangedAt: z.string().optional(),
  /** Since when the email is known to be that of the user; left out: it is not. */
  emailVerifiedAt: z.string().optional(),
  /** Since when nobody can log in; left out: everything is well. */
  disabledAt: z.string().optional(),
  /** Logins to the admin's pages that began until then have ended; left out: only those that ended by themselves. */
  sessionsEndedAt: z.string().optional(),
  /** When somebody last logged in, to whatever page; left out: never, or only with a version that did not note it. */
  lastLoginAt: z.string().optional(),
  /** Left out: the password is enough to log in. */
  secondFactor: secondFactor.optional(),
  /** What an identity provider says of its person. Left out: the account is our own. */
  provider: z
    .object({
      /** When it last said what the role is. */
      confirmedAt: z.string(),
      email: z.string().optional(),
    })
    .optional(),
});

export type Account = z.output<typeof account>;

/** Whether this is an admin who can log in. */
export const isEnabledAdmin = ({ role, disabledAt }: Account): boolean => role === 'admin' && disabledAt === undefined;

/** Whether a login to this account needs a second factor. */
export const hasSecondFactor = ({ secondFactor }: Account): boolean => secondFactor?.confirmedAt !== undefined;

/** The same account, whose logins to the admin's pages have all ended. */
export const withSessionsEnded = (account: Account): Account => ({
  ...account,
  sessionsEndedAt: new Date().toISOString(),
});

/** Whether a login to the admin's pages that began then (ms since 1970) has ended: all were, or the password was changed since. */
export const hasSessionEnded = ({ passwordChangedAt, sessionsEndedAt }: Account, begunAt: number): boolean =>
  [passwordChangedAt, sessionsEndedAt].some((at) => at !== undefined && begunAt <= Date.parse(at));

/**
 * Whether this account lacks the second factor that its role needs. Until it has one, it counts as a user's. Those who log in at an
 * identity provider have theirs there.
 */
export const lacksSecondFactor = (account: Account, rule: SecondFactorRule): boolean =>
  rule === 'required' && account.role !== 'user' && account.provider === undefined && !hasSecondFactor(account);

/** The role that counts now. */
export const roleInForce = (account: Account, rule: SecondFactorRule): Role =>
  lacksSecondFactor(account, rule) ? 'user' : account.role;

/** Whether the account needs no proof of its email. Somebody whom an identity provider vouches for needs none. */
export const isEmailProven = ({ emailVerifiedAt, provider }: Account): boolean =>
  emailVerifiedAt !== undefined || provider !== undefined;

/** The email that people see; undefined: we do not know it. */
export const shownEmail = ({ email, provider }: Account): string | undefined => (provider ? provider.email : email);

/**
 * Whether the role of an account counts. One that an identity provider gives counts for some time after the provider has last
 * said it.
 */
export const isRoleConfirmed = ({ role, provider }: Account, ttlMs: number): boolean =>
  role === 'user' || provider === undefined || Date.now() - Date.parse(provider.confirmedAt) < ttlMs;

/** What a valid access token says. */
export interface VerifiedToken extends Caller {
  /** The login that the token belongs to. Only our own tokens have it. */
  loginId?: string | undefined;
  /** Seconds since 1970. */
  expiresAt: number;
  /**
   * When its holder has shown who they are (`auth_time`). If a token of somebody else does not say so, when it was made. Seconds
   * since 1970; undefined: it does not say.
   */
  authenticatedAt?: number | undefined;
}

/** The sender of a request, whose account is ours or an identity provider's. */
export interface Caller {
  userId: string;
  role: Role;
  /** The organisation of the user. undefined: none. */
  tenantId?: string | undefined;
}
