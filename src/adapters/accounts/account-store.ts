import type { Account, Role } from '../../contracts/account.ts';

/** The accounts. Every method rejects with StoreUnavailableError if the store is out of reach. */
export interface AccountStore {
  /**
   * Adds the account, unless another account has its email. Of several that are added at once with one email, exactly one
   * is created. The others leave nothing behind, unless the store fails half way: then one may stay that has no email.
   */
  create(account: Account): Promise<'created' | 'email_taken'>;
  byEmail(email: string): Promise<Account | undefined>;
  byId(userId: string): Promise<Account | undefined>;
  /** Changes the role of the account that has this email. Gives false if no account has it. */
  setRole(email: string, role: Role): Promise<boolean>;
}
