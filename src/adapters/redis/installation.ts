import type { Redis } from 'ioredis';
import { INSTALLATION_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from './connect-redis.ts';

/** Whose a Redis is: the processes of one installation have both in common, wherever they run. */
export interface Installation {
  namespace: string;
  /** RabbitMQ's virtual host. The broker's address does not count: the same broker has several. */
  virtualHost: string;
}

/**
 * Claims a Redis for an installation, unless another has claimed it already.
 * @returns whose it is: ours, or the other's
 * @throws StoreUnavailableError
 */
export async function claimRedis(redis: Redis, installation: Installation): Promise<Installation> {
  const { namespace, virtualHost } = installation;
  const [, text] = await orStoreUnavailable(
    Promise.all([
      redis.set(INSTALLATION_KEY, JSON.stringify({ namespace, virtualHost }), 'NX'),
      redis.get(INSTALLATION_KEY),
    ]),
  );
  return JSON.parse(text ?? '{}') as Installation;
}

/** Whether the server is a node of a Redis Cluster, which needs another client; false where it does not say. */
export async function isClusterNode(redis: Redis): Promise<boolean> {
  const info = await redis.info('cluster').catch((error: Error) => (isMoved(error) ? 'cluster_enabled:1' : ''));
  return /^cluster_enabled:1/m.test(info);
}

export const isMoved = (error: unknown) =>
  error instanceof Error && /^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN) /.test(error.message);
