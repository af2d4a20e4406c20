import type { Account, Role } from '../../contracts/account.ts';

/** The accounts. Every method rejects with StoreUnavailableError if the store is out of reach. */
export interface AccountStore {
  /**
   * Adds the account, unless another account has its email. If several accounts are added at once with the same email,
   * exactly one is created. The others leave nothing behind. The exception is a store that fails half way: then an
   * account that no email leads to may stay.
   */
  create(account: Account): Promise<'created' | 'email_taken'>;
  byEmail(email: string): Promise<Account | undefined>;
  byId(userId: string): Promise<Account | undefined>;
  /** Gives every account, in no particular order. */
  all(): AsyncIterable<Account>;
  /** Changes the role of the account that has this email. Returns false if no account has it. */
  setRole(email: string, role: Role): Promise<boolean>;
}
