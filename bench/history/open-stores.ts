import { Redis } from 'ioredis';
import { pino } from 'pino';
import { conversationIndexes } from '../../src/adapters/conversations/mongodb/documents.ts';
import { connectMongoDb } from '../../src/adapters/mongodb/connect-mongodb.ts';
import { createIndexes } from '../../src/adapters/mongodb/indexes.ts';
import { connectRedis } from '../../src/adapters/redis/connect-redis.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import { startRedis } from '../../tools/services/redis.ts';
import { makeRunFolder, removeFolder } from '../../tools/services/run-folder.ts';
import { useMongoDb } from '../mongodb.ts';
import { RETENTION_MS } from './made-sessions.ts';

/**
 * Starts a Redis of the benchmark's own, and connects to it, and to a MongoDB with the indexes of the product.
 * @param mongodb see `useMongoDb`; undefined: there is none
 */
export async function openStores(mongodb: string | undefined) {
  const dir = makeRunFolder('bench');
  const server = await startRedis({ dir });
  const logger = pino({ level: 'silent' });
  const redis = connectRedis({ url: server.url, name: 'bench', logger });
  const info = new Redis(server.url);
  const mongoDb = mongodb === undefined ? undefined : await useMongoDb(mongodb, dir);
  const connection =
    mongoDb &&
    connectMongoDb({
      ...{ url: `${mongoDb.url}/bench-${process.pid}`, name: 'bench', logger, maxPoolSize: 20 },
      ...{ commandTimeoutMs: 300_000, connectTimeoutMs: 5_000, retryWrites: true, writeConcern: 'majority' },
    });
  if (connection) await createIndexes(connection.db, conversationIndexes);
  return {
    /** What the stores of Redis and of MongoDB need. */
    common: { redis, seals: plainTexts, retentionMs: RETENTION_MS, replica: 'bench' },
    /** To look at Redis. */
    info,
    db: connection?.db,
    /** Where the history is, for the table. */
    name: mongoDb?.name ?? 'Redis',
    usedBytes: async () => Number(/used_memory:(\d+)/.exec(await info.info('memory'))![1]),
    close: async () => {
      await connection?.db.dropDatabase();
      await connection?.close();
      await mongoDb?.stop();
      redis.disconnect();
      info.disconnect();
      await server.stop();
      removeFolder(dir);
    },
  };
}
