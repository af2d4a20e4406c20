import type { Db } from 'mongodb';
import type { Account } from '../../contracts/account.ts';
import { isDuplicateKey } from '../mongodb/command-errors.ts';
import type { NeededIndex } from '../mongodb/indexes.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { AccountStore } from './account-store.ts';

const COLLECTION = 'accounts';

export const accountIndexes: readonly NeededIndex[] = [
  { collection: COLLECTION, keys: { email: 1 }, options: { unique: true } },
];

type StoredAccount = Omit<Account, 'userId'> & { _id: string };

/** Accounts in MongoDB: one document each, under its user's id. A unique index keeps an email to one account. */
export function createMongoDbAccountStore({ db }: { db: Db }): AccountStore {
  const accounts = db.collection<StoredAccount>(COLLECTION);

  const accountOf = ({ _id: userId, ...account }: StoredAccount): Account => ({ userId, ...account });

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

  async function setRole(email: string, role: Account['role']): Promise<boolean> {
    return (await accounts.updateOne({ email }, { $set: { role } })).matchedCount === 1;
  }

  return {
    create: (account) => orStoreUnavailable(create(account)),
    byEmail: (email) => orStoreUnavailable(find({ email })),
    byId: (userId) => orStoreUnavailable(find({ _id: userId })),
    all: async function* () {
      for await (const found of eachOrStoreUnavailable(accounts.find())) yield accountOf(found);
    },
    setRole: (email, role) => orStoreUnavailable(setRole(email, role)),
  };
}
