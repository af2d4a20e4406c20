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

/** The sender of a request, whose account is ours or an identity provider's. */
export interface Caller {
  userId: string;
  role: Role;
}
