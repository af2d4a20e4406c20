import type { Db } from 'mongodb';
import { mongoDb } from '../../config/settings/mongodb.ts';
import { createLogger } from '../../observability/log.ts';
import { connectToMongoDb } from '../mongodb.ts';
import { readSetting } from './read-setting.ts';

const TIMEOUT_MS = 5_000;

/**
 * Runs a part of a command with a connection to the MongoDB of the settings. Returns false if they name none.
 * @param name the name of this process in MongoDB's list of clients
 * @param options.replyTimeoutMs how long a reply may take; left out: as long as finding a server may
 * @throws UsageError a setting is missing, or wrong
 */
export async function withMongoDb(
  name: string,
  use: (db: Db) => Promise<void>,
  { replyTimeoutMs }: { replyTimeoutMs?: number } = {},
): Promise<boolean> {
  const connection = connectToMongoDb({
    config: {
      mongodbUrl: readSetting(mongoDb.mongodbUrl),
      mongodbCaFile: readSetting(mongoDb.mongodbCaFile),
      mongodbWriteConcern: readSetting(mongoDb.mongodbWriteConcern),
      mongodbPoolSize: readSetting(mongoDb.mongodbPoolSize),
      mongodbConnectTimeoutMs: readSetting(mongoDb.mongodbConnectTimeoutMs),
      mongodbRetryWrites: readSetting(mongoDb.mongodbRetryWrites),
      storeTimeoutMs: TIMEOUT_MS,
    },
    name,
    logger: createLogger('api', 'silent'),
    replyTimeoutMs,
  });
  if (!connection) return false;
  try {
    await use(connection.db);
    return true;
  } finally {
    await connection.close();
  }
}
