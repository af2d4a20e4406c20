import type { Redis } from 'ioredis';

/**
 * Returns `Redis 8.0.2` or `Valkey 8.1.1`. Valkey reports its own version and the version of Redis that it is
 * compatible with.
 */
export async function redisVersion(redis: Redis): Promise<string> {
  const info = await redis.info('server');
  const version = (of: string) => new RegExp(`^${of}_version:(\\S+)`, 'm').exec(info)?.[1];
  const valkey = version('valkey');
  return valkey ? `Valkey ${valkey}` : `Redis ${version('redis')}`;
}

/** Returns `RabbitMQ 4.0.5`, from the management API. The URL has user and password. */
export async function rabbitMqVersion(managementUrl: string): Promise<string> {
  const { username, password, origin } = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const response = await fetch(`${origin}/api/overview`, { headers: { authorization } });
  if (!response.ok) throw new Error(`RabbitMQ's management API: ${response.status}`);
  return `RabbitMQ ${((await response.json()) as { rabbitmq_version: string }).rabbitmq_version}`;
}
