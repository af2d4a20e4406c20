import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { BrokerRights } from '../src/contracts/broker-rights.ts';
import type { RabbitMq } from '../tools/services/rabbitmq.ts';
import type { Service } from '../tools/services/service.ts';
import { managementApi } from './services/management-api.ts';
import { startMongoDbFrom } from './services/mongodb-servers.ts';
import { chosenMongoDb } from './services/mongodb-source.ts';
import { askForMongoDb, askForRabbitMq, askForRedis } from './services/server-desk.ts';
import { serversBy } from './services/servers.ts';

/** The URL of an empty database of the run's Redis that nobody else uses. */
export async function testRedisUrl(): Promise<string> {
  const { url } = await askForRedis();
  const redis = new Redis(url);
  const database = await redis.incr('next-database');
  await redis.quit();
  return `${url}/${database}`;
}

/** The URL of an empty virtual host of the run's RabbitMQ that nobody else uses. */
export async function testRabbitMqUrl(): Promise<string> {
  const { url, managementUrl } = await askForRabbitMq();
  const name = `test-${randomUUID()}`;
  const { put } = managementApi(managementUrl);
  await put(`vhosts/${name}`, {});
  await put(`permissions/${name}/${new URL(managementUrl).username}`, { configure: '.*', write: '.*', read: '.*' });
  return `${url}/${name}`;
}

/** The URL of a virtual host for a new user with these rights there. */
export async function rabbitMqUrlOf(vhostUrl: string, rights: BrokerRights): Promise<string> {
  const url = new URL(vhostUrl);
  [url.username, url.password] = [`user-${randomUUID()}`, randomUUID()];
  const { put } = managementApi((await askForRabbitMq()).managementUrl);
  await put(`users/${url.username}`, { password: url.password, tags: '' });
  await put(`permissions/${url.pathname.slice(1)}/${url.username}`, rights);
  return url.href;
}

/** A Redis of the test's own, to be killed. The test stops it. */
export const privateRedis = async (): Promise<Service> => (await serversBy((await askForRedis()).way)).startRedis();

/** A RabbitMQ of the test's own, to be killed. The test stops it. */
export const privateRabbitMq = async (): Promise<RabbitMq> =>
  (await serversBy((await askForRedis()).way)).startRabbitMq();

/** The URL of a database of the run's MongoDB that is empty and that nobody else uses. */
export async function testMongoDbUrl(): Promise<string> {
  const url = new URL((await askForMongoDb()).url);
  url.pathname = `/test-${randomUUID()}`;
  return url.href;
}

/** A MongoDB of the test's own, to be killed. The test stops it. */
export const privateMongoDb = async (): Promise<Service> => startMongoDbFrom(chosenMongoDb());
