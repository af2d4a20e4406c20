import type { Db } from 'mongodb';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { accountIndexes, createMongoDbAccountStore } from '../../adapters/accounts/mongodb-account-store.ts';
import { createRedisAccountStore } from '../../adapters/accounts/redis-account-store.ts';
import type { HistoryArchive } from '../../adapters/conversations/history-archive.ts';
import { conversationIndexes } from '../../adapters/conversations/mongodb/documents.ts';
import { createMongoDbHistoryArchive } from '../../adapters/conversations/mongodb-history-archive.ts';
import { createRedisHistoryArchive } from '../../adapters/conversations/redis-history-archive.ts';
import type { DataKeyStore } from '../../adapters/encryption/data-key-store.ts';
import { createMongoDbDataKeyStore } from '../../adapters/encryption/mongodb-data-key-store.ts';
import { createRedisDataKeyStore } from '../../adapters/encryption/redis-data-key-store.ts';
import { createIndexes } from '../../adapters/mongodb/indexes.ts';
import { requestsAndSessions } from '../../config/settings/requests-and-sessions.ts';
import { UsageError } from '../commands/command.ts';
import { withMongoDb } from '../commands/mongodb-connection.ts';
import { readSetting } from '../commands/read-setting.ts';
import { withRedis } from '../commands/redis-connection.ts';

const NAME = 'healify-chat history';
/** A server that has much to read and a slow disk may need a while for the first sessions. */
const REPLY_TIMEOUT_MS = 300_000;

export interface HistoryStores {
  archive: HistoryArchive;
  accounts: AccountStore;
  dataKeys: DataKeyStore;
}

/**
 * Runs a part of the command with one of the two stores.
 * @throws UsageError there is no such store, or a setting is missing or wrong
 */
export async function withHistoryStores(
  store: string | undefined,
  use: (stores: HistoryStores) => Promise<void>,
): Promise<void> {
  if (store === 'redis') {
    const retentionMs = readSetting(requestsAndSessions.historyRetentionMs);
    return await withRedis(NAME, (redis) =>
      use({
        archive: createRedisHistoryArchive({ redis, retentionMs }),
        accounts: createRedisAccountStore({ redis }),
        dataKeys: createRedisDataKeyStore({ redis }),
      }),
    );
  }
  if (store !== 'mongodb') throw new UsageError('say which store: redis or mongodb');
  const useDb = async (db: Db) => {
    await createIndexes(db, [...conversationIndexes, ...accountIndexes]);
    await use({
      archive: createMongoDbHistoryArchive({ db }),
      accounts: createMongoDbAccountStore({ db }),
      dataKeys: createMongoDbDataKeyStore({ db }),
    });
  };
  const isSet = await withMongoDb(NAME, useDb, { replyTimeoutMs: REPLY_TIMEOUT_MS });
  if (!isSet) throw new UsageError('MONGODB_URL is not set');
}
