import { Redis } from 'ioredis';
import { rabbitMqVersion, redisVersion } from '../../tools/services/versions.ts';
import { chooseWay, installMissing } from './choose-way.ts';
import { serversBy, type Way } from './servers.ts';

/** One Redis and one RabbitMQ for the whole run; the workers find them in the environment. */
export default async function setUp(): Promise<void> {
  const way = chooseWay();
  try {
    await startServers(way);
  } catch (error) {
    if (way === 'local') throw error;
    await startWithout(error as Error);
  }
}

/** The image that clears up after a killed run may not be to be had where the servers' images are. */
async function startWithout(error: Error): Promise<void> {
  process.stdout.write(`\nContainers cannot be started: ${error.message}\nTrying without testcontainers' reaper ...\n`);
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  try {
    await startServers('containers');
  } catch (cause) {
    if (process.env.TEST_SERVICES) throw cause;
    process.stdout.write(`\nNor so: ${(cause as Error).message}\nServers of this machine serve.\n`);
    await startServers('local');
  }
}

async function startServers(way: Way): Promise<void> {
  if (way === 'local') installMissing();
  const startedAt = Date.now();
  const servers = await serversBy(way);
  const [redis, rabbitMq] = await Promise.all([servers.startRedis(), servers.startRabbitMq()]);
  const ready = `ready in ${Date.now() - startedAt} ms`;
  const client = new Redis(redis.url);
  const versions = `${await redisVersion(client)} and ${await rabbitMqVersion(rabbitMq.managementUrl)}`;
  client.disconnect();
  process.stdout.write(`\n${versions} (${way}) ${ready}\n`);
  process.env.TEST_WAY = way;
  process.env.TEST_REDIS_URL = redis.url;
  process.env.TEST_RABBITMQ_URL = rabbitMq.url;
  process.env.TEST_RABBITMQ_MANAGEMENT_URL = rabbitMq.managementUrl;
  Object.assign(globalThis, { stopTestServices: () => Promise.all([redis.stop(), rabbitMq.stop()]) });
}
