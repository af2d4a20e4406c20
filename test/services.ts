import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { BrokerRights } from '../src/contracts/broker-rights.ts';
import type { RabbitMq } from '../tools/services/rabbitmq.ts';
import type { Service } from '../tools/services/service.ts';
import { serversBy, type Way } from './services/servers.ts';

/** The URL of an empty database of the run's Redis that nobody else uses. */
export async function testRedisUrl(): Promise<string> {
  const { TEST_REDIS_URL: url } = environment();
  const redis = new Redis(url);
  const database = await redis.incr('next-database');
  await redis.quit();
  return `${url}/${database}`;
}

/** The URL of an empty virtual host of the run's RabbitMQ that nobody else uses. */
export async function testRabbitMqUrl(): Promise<string> {
  const { TEST_RABBITMQ_URL: url, TEST_RABBITMQ_MANAGEMENT_URL: managementUrl } = environment();
  return await newVirtualHost(url, managementUrl);
}

/** The URL of a virtual host for a new user with these rights there. */
export async function rabbitMqUrlOf(vhostUrl: string, rights: BrokerRights): Promise<string> {
  const url = new URL(vhostUrl);
  [url.username, url.password] = [`user-${randomUUID()}`, randomUUID()];
  const put = putTo(environment().TEST_RABBITMQ_MANAGEMENT_URL);
  await put(`users/${url.username}`, { password: url.password, tags: '' });
  await put(`permissions/${url.pathname.slice(1)}/${url.username}`, rights);
  return url.href;
}

/** A Redis of the test's own, to be killed. The test stops it. */
export const privateRedis = async (): Promise<Service> => (await serversBy(environment().TEST_WAY)).startRedis();

/** A RabbitMQ of the test's own, to be killed. The test stops it. */
export const privateRabbitMq = async (): Promise<RabbitMq> => (await serversBy(environment().TEST_WAY)).startRabbitMq();

async function newVirtualHost(url: string, managementUrl: string): Promise<string> {
  const name = `test-${randomUUID()}`;
  const put = putTo(managementUrl);
  await put(`vhosts/${name}`, {});
  await put(`permissions/${name}/${new URL(managementUrl).username}`, { configure: '.*', write: '.*', read: '.*' });
  return `${url}/${name}`;
}

function putTo(managementUrl: string) {
  const { username, password, origin } = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return async (path: string, body: object) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const response = await fetch(`${origin}/api/${path}`, { method: 'PUT', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`RabbitMQ: PUT ${path}: ${response.status}`);
  };
}

function environment() {
  const { TEST_WAY, TEST_REDIS_URL, TEST_RABBITMQ_URL, TEST_RABBITMQ_MANAGEMENT_URL } = process.env;
  if (!TEST_WAY || !TEST_REDIS_URL || !TEST_RABBITMQ_URL || !TEST_RABBITMQ_MANAGEMENT_URL) {
    throw new Error('jest has not started the services');
  }
  return { TEST_WAY: TEST_WAY as Way, TEST_REDIS_URL, TEST_RABBITMQ_URL, TEST_RABBITMQ_MANAGEMENT_URL };
}
