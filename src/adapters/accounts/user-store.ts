export interface User {
  userId: string;
  /** Lower case. */
  email: string;
  /** PHC string of argon2id. */
  passwordHash: string;
  role: 'user' | 'admin';
  /** ISO 8601. */
  createdAt: string;
}

/** Accounts. Every method rejects with StoreUnavailableError when the store is out of reach. */
export interface UserStore {
  /** Adds the user; `email_taken` if another has the email. */
  create(user: User): Promise<'created' | 'email_taken'>;
  byEmail(email: string): Promise<User | undefined>;
  byId(userId: string): Promise<User | undefined>;
  /** Gives the user with this email the role; false if there is none. */
  setRole(email: string, role: User['role']): Promise<boolean>;
}
