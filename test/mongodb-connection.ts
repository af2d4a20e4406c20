import { afterAll } from '@jest/globals';
import { connectMongoDb, type MongoDbConnection } from '../src/adapters/mongodb/connect-mongodb.ts';
import { createIndexes, type NeededIndex } from '../src/adapters/mongodb/indexes.ts';
import { captureLog } from './captured-log.ts';
import { testMongoDbUrl } from './services.ts';

const opened: MongoDbConnection[] = [];
afterAll(() => Promise.all(opened.map((connection) => connection.close())));

/** Connects a test file to MongoDB as an api does. The connection is closed when its tests are over. */
export function openMongoDb(url: string, commandTimeoutMs = 10_000): MongoDbConnection {
  const connection = connectMongoDb({
    ...{ url, name: 'test', commandTimeoutMs, connectTimeoutMs: 5_000, maxPoolSize: 10 },
    ...{ retryWrites: true, writeConcern: 'majority', logger: captureLog().logger },
  });
  opened.push(connection);
  return connection;
}

/** An empty database with these indexes. */
export async function testMongoDb(indexes: readonly NeededIndex[]) {
  const { db } = openMongoDb(await testMongoDbUrl());
  await createIndexes(db, indexes);
  return db;
}

/** A database that nobody can reach. */
export const unreachableMongoDb = () => openMongoDb('mongodb://127.0.0.1:9/test', 200).db;
