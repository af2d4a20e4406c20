import type { Redis } from 'ioredis';

const DEFAULT_NAMESPACE = 'healify';
const namespaces = new WeakMap<Redis, string>();

/** Has a connection use the channels of an installation. */
export function useNamespace(redis: Redis, namespace: string): void {
  namespaces.set(redis, namespace);
}

/**
 * The name of a channel on the server. A Redis server has its channels in common for all databases, so the name carries
 * the installation and the database: two installations on one server do not hear each other.
 */
export const channelOf = (redis: Redis, channel: string): string =>
  `${namespaces.get(redis) ?? DEFAULT_NAMESPACE}:${redis.options.db ?? 0}:${channel}`;
