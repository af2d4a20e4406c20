import { MongoClient } from 'mongodb';

/** Deletes the databases of tests. A server that was given may have others. */
export async function emptyMongoDb(url: string): Promise<void> {
  const client = new MongoClient(url);
  try {
    const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) if (name.startsWith('test-')) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}
