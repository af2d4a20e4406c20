/** What somebody may do: an admin may do what a user may, and use /admin. */
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

/** Who sends a request, whether we or an identity provider have the account. */
export interface Caller {
  userId: string;
  role: Role;
}
