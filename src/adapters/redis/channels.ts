import type { Redis } from './redis.ts';

const DEFAULT_NAMESPACE = 'healify';
const namespaces = new WeakMap<Redis, string>();

/** Sets the namespace that `channelOf` uses for this connection. */
export function useNamespace(redis: Redis, namespace: string): void {
  namespaces.set(redis, namespace);
}

/**
 * Returns the full name of a channel. All databases of a Redis server share its channels. So the name contains the
 * namespace and the database, and two installations on one server do not receive each other's messages.
 */
export const channelOf = (redis: Redis, channel: string): string =>
  `${namespaces.get(redis) ?? DEFAULT_NAMESPACE}:${databaseOf(redis)}:${channel}`;

/** A Redis Cluster has only one. */
const databaseOf = ({ options }: Redis) => ('db' in options ? (options.db ?? 0) : 0);
