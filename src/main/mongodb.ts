import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { accountIndexes } from '../adapters/accounts/mongodb-account-store.ts';
import { conversationIndexes } from '../adapters/conversations/mongodb/documents.ts';
import { erasureIndexes } from '../adapters/erasures/mongodb-erasure-store.ts';
import { refreshFamilyIndexes } from '../adapters/logins/mongodb-refresh-family-store.ts';
import { connectMongoDb, type MongoDbConnection } from '../adapters/mongodb/connect-mongodb.ts';
import { createIndexes, describeIndex, WrongIndexError } from '../adapters/mongodb/indexes.ts';
import type { WorkerConfig } from '../config/settings.ts';
import { safeMessage } from '../contracts/safe-message.ts';
import type { Logger } from '../observability/log.ts';

const RETRY_MS = 1_000;
/** All indexes that an api needs. */
export const INDEXES = [...conversationIndexes, ...accountIndexes, ...refreshFamilyIndexes, ...erasureIndexes];

type MongoDbConfig = Pick<
  WorkerConfig,
  | 'mongodbUrl'
  | 'mongodbCaFile'
  | 'mongodbWriteConcern'
  | 'mongodbPoolSize'
  | 'mongodbConnectTimeoutMs'
  | 'mongodbRetryWrites'
> & { storeTimeoutMs: number };

/**
 * Connects to the MongoDB of the settings; undefined if they name none.
 * @param options.replyTimeoutMs see `connectMongoDb`
 */
export function connectToMongoDb(options: {
  config: MongoDbConfig;
  name: string;
  logger: Logger;
  replyTimeoutMs?: number | undefined;
  onUp?: (up: boolean) => void;
  onCommand?: (command: string, ms: number, result: 'ok' | 'failed') => void;
}): MongoDbConnection | undefined {
  const { config, name, logger, replyTimeoutMs, onUp, onCommand } = options;
  if (!config.mongodbUrl) return undefined;
  return connectMongoDb({
    url: config.mongodbUrl,
    ca: config.mongodbCaFile,
    name,
    logger,
    commandTimeoutMs: config.storeTimeoutMs,
    replyTimeoutMs,
    onCommand,
    connectTimeoutMs: config.mongodbConnectTimeoutMs,
    maxPoolSize: config.mongodbPoolSize,
    retryWrites: config.mongodbRetryWrites,
    writeConcern: config.mongodbWriteConcern,
    ...(onUp && { onUp }),
  });
}

/**
 * Creates the indexes that are missing, as soon as MongoDB can be reached. If another index is in the place of one, the
 * process logs what to do, and ends.
 */
export async function prepareMongoDb(db: Db, logger: Logger): Promise<void> {
  let lastReason: string | undefined;
  for (;;) {
    try {
      const unsupported = await createIndexes(db, INDEXES);
      for (const index of unsupported) {
        logger.warn({ index: describeIndex(index) }, 'this MongoDB does not support an index that we need');
      }
      return;
    } catch (error) {
      if (error instanceof WrongIndexError) {
        logger.fatal(error.message);
        process.exit(1);
      }
      const reason = safeMessage((error as Error).cause ?? error);
      if (reason !== lastReason) logger.warn({ reason }, 'could not create the indexes of MongoDB; trying again');
      lastReason = reason;
      await sleep(RETRY_MS);
    }
  }
}
