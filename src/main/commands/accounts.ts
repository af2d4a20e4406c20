import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { accountIndexes, createMongoDbAccountStore } from '../../adapters/accounts/mongodb-account-store.ts';
import { createRedisAccountStore } from '../../adapters/accounts/redis-account-store.ts';
import { createIndexes } from '../../adapters/mongodb/indexes.ts';
import { withMongoDb } from './mongodb-connection.ts';
import { withRedis } from './redis-connection.ts';

/**
 * Runs a part of a command with the store of accounts: in MongoDB if MONGODB_URL is set, and else in Redis.
 * @param name the name of this process in the server's list of clients
 * @throws UsageError a setting is missing, or wrong
 */
export async function withAccounts(name: string, use: (accounts: AccountStore) => Promise<void>): Promise<void> {
  const isMongoDb = await withMongoDb(name, async (db) => {
    await createIndexes(db, accountIndexes);
    await use(createMongoDbAccountStore({ db }));
  });
  if (!isMongoDb) await withRedis(name, (redis) => use(createRedisAccountStore({ redis })));
}
