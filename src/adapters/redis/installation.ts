import { StoreUnavailableError } from '../../contracts/errors.ts';
import { INSTALLATION_KEY } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from './connect-redis.ts';
import type { Redis } from './redis.ts';

/** The installation that owns a Redis. All processes of one installation have the same values. */
export interface Installation {
  namespace: string;
  /** RabbitMQ's virtual host. The broker's address is left out, because one broker may have several addresses. */
  virtualHost: string;
  /** Over how many queues its jobs are spread. */
  jobShards: number;
}

/**
 * Claims a Redis for an installation, unless another installation owns it already.
 * @returns the owner: this installation, or the other
 * @throws StoreUnavailableError
 */
export async function claimRedis(redis: Redis, installation: Installation): Promise<Installation> {
  const { namespace, virtualHost, jobShards } = installation;
  // Earlier versions do not write the number of shards, and have one.
  const claim = JSON.stringify({ namespace, virtualHost, ...(jobShards !== 1 && { jobShards }) });
  // One after the other: a Redis Cluster may send the first one to another node, and answer the second one before it.
  await orStoreUnavailable(redis.set(INSTALLATION_KEY, claim, 'NX'));
  const text = await orStoreUnavailable(redis.get(INSTALLATION_KEY));
  if (text === null) throw new StoreUnavailableError('Redis has lost which installation owns it.');
  return readClaim(text);
}

/** Over how many queues the jobs of the installation are spread that owns a Redis. @throws StoreUnavailableError */
export const readJobShards = async (redis: Redis): Promise<number> =>
  readClaim(await orStoreUnavailable(redis.get(INSTALLATION_KEY))).jobShards;

const readClaim = (text: string | null) => ({ jobShards: 1, ...JSON.parse(text ?? '{}') }) as Installation;

/** Whether the server is a node of a Redis Cluster, which needs another client; false if it does not say. */
export async function isClusterNode(redis: Redis): Promise<boolean> {
  const info = await redis.info('cluster').catch((error: Error) => (isMoved(error) ? 'cluster_enabled:1' : ''));
  return /^cluster_enabled:1/m.test(info);
}

export const isMoved = (error: unknown) =>
  error instanceof Error && /^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN) /.test(error.message);
