import type { Redis } from 'ioredis';

const DEFAULT_NAMESPACE = 'healify';
const namespaces = new WeakMap<Redis, string>();

/** From now on, `channelOf` gives this connection the channels of an installation. */
export function useNamespace(redis: Redis, namespace: string): void {
  namespaces.set(redis, namespace);
}

/**
 * The whole name of a channel. All databases of a Redis server share its channels. So the name contains the
 * installation and the database, and two installations on one server do not hear each other.
 */
export const channelOf = (redis: Redis, channel: string): string =>
  `${namespaces.get(redis) ?? DEFAULT_NAMESPACE}:${redis.options.db ?? 0}:${channel}`;
