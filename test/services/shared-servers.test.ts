import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { chosenMongoDb } from './mongodb-source.ts';
import { askForRedis } from './server-desk.ts';
import { createSharedServers } from './shared-servers.ts';

const servers = createSharedServers((await askForRedis()).way, chosenMongoDb());
afterAll(() => servers.stop());

const use = async <T>(work: (client: Redis) => Promise<T>) => {
  const client = new Redis((await servers.redis()).url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
};

test('all who ask for a server get the same one', async () => {
  const [first, second] = await Promise.all([servers.redis(), servers.redis()]);
  expect(second.url).toBe(first.url);
});

test('a run in watch mode finds nothing of the run before', async () => {
  await use((client) => client.set('left', 'over'));
  await use(async (client) => {
    await client.select(7);
    await client.set('left', 'over');
  });
  await servers.empty();
  expect(await use((client) => client.info('keyspace'))).not.toContain('db');
});
