import type { Db } from 'mongodb';
import type { Account } from '../../contracts/account.ts';
import { isDuplicateKey } from '../mongodb/command-errors.ts';
import type { NeededIndex } from '../mongodb/indexes.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { AccountPage, AccountStore, NextAccount } from './account-store.ts';
import { pauseAfterClash } from './pause-after-clash.ts';

const COLLECTION = 'accounts';

export const accountIndexes: readonly NeededIndex[] = [
  { collection: COLLECTION, keys: { email: 1 }, options: { unique: true } },
];

/** `revision` counts the changes. An account that was never changed may have none. */
type StoredAccount = Omit<Account, 'userId'> & { _id: string; revision?: number };

/** Accounts in MongoDB: one document each, under its user's id. A unique index keeps an email to one account. */
export function createMongoDbAccountStore({ db }: { db: Db }): AccountStore {
  const accounts = db.collection<StoredAccount>(COLLECTION);

  const accountOf = ({ _id: userId, revision: _, ...account }: StoredAccount): Account => ({ userId, ...account });

  async function find(filter: { _id: string } | { email: string }): Promise<Account | undefined> {
    const found = await accounts.findOne(filter);
    return found ? accountOf(found) : undefined;
  }

  async function create({ userId, ...account }: Account): Promise<'created' | 'email_taken'> {
    try {
      await accounts.insertOne({ _id: userId, ...account });
      return 'created';
    } catch (error) {
      if (isDuplicateKey(error)) return 'email_taken';
      throw error;
    }
  }

  async function change(_id: string, next: NextAccount): Promise<Account | undefined> {
    for (let tries = 1; ; tries++) {
      const before = await accounts.findOne({ _id });
      const after = before ? await next(accountOf(before)) : undefined;
      if (!before || !after) return undefined;
      const { userId: _, ...fields } = after;
      const unchanged = { _id, revision: before.revision ?? { $exists: false } };
      const { matchedCount } = await accounts.replaceOne(unchanged, {
        ...fields,
        revision: (before.revision ?? 0) + 1,
      });
      if (matchedCount === 1) return after;
      await pauseAfterClash(tries);
    }
  }

  async function page(after: string | undefined, limit: number): Promise<AccountPage> {
    const filter = after === undefined ? {} : { email: { $gt: after } };
    const found = await accounts.find(filter).sort({ email: 1 }).limit(limit).toArray();
    return { accounts: found.map(accountOf), next: found.length < limit ? undefined : found.at(-1)?.email };
  }

  return {
    create: (account) => orStoreUnavailable(create(account)),
    byEmail: (email) => orStoreUnavailable(find({ email })),
    byId: (userId) => orStoreUnavailable(find({ _id: userId })),
    all: async function* () {
      for await (const found of eachOrStoreUnavailable(accounts.find())) yield accountOf(found);
    },
    page: (after, limit) => orStoreUnavailable(page(after, limit)),
    change: (userId, next) => orStoreUnavailable(change(userId, next)),
    remove: async (_id) => void (await orStoreUnavailable(accounts.deleteOne({ _id }))),
  };
}
