import type { Account } from '../../contracts/account.ts';

export interface AccountPage {
  accounts: Account[];
  /** The email after which the next page begins; undefined: there are no more. */
  next: string | undefined;
}

/** What a change makes of an account. */
export type NextAccount = (account: Account) => Account | undefined | Promise<Account | undefined>;

/**
 * The accounts. Every method rejects with StoreUnavailableError if the store is out of reach. `create` and `byEmail` do the
 * same work whether or not an email has an account, so that the time does not tell.
 */
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
  /**
   * Gives the next accounts in the order of their emails, compared byte by byte.
   * @param after an email, which need not have an account; undefined: from the first account on
   * @param limit how many at most. There may be fewer although more follow
   */
  page(after: string | undefined, limit: number): Promise<AccountPage>;
  /**
   * Replaces an account by what `next` makes of it. If somebody else changes the account meanwhile, `next` is called again,
   * with what they have left. So no change is lost. A change that replaces an account by the same counts as one, too.
   * @param next leaves `userId` and `email` as they are. undefined: the account stays as it is
   * @returns the account as it is now; undefined if there is none, or if it stays as it is
   */
  change(userId: string, next: NextAccount): Promise<Account | undefined>;
  /** Removes an account. Its email can be registered again. Removing one that does not exist is no error. */
  remove(userId: string): Promise<void>;
}
