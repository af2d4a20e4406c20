import { Redis } from 'ioredis';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';
import * as localServers from './local-servers.ts';

/**
 * A primary with a replica, which has a replica of its own, on this machine. Clients reach the primary through a proxy, and the
 * replica reaches it through another one, so that a test can stop what is replicated.
 */
export async function startReplicatedRedis() {
  const [primary, replica, last] = await Promise.all([
    localServers.startRedis(),
    localServers.startRedis(),
    localServers.startRedis(),
  ]);
  const [front, link] = await Promise.all([startTcpProxy(primary.url), startTcpProxy(primary.url)]);
  const [direct, copy, lastCopy] = [primary, replica, last].map(
    ({ url }) => new Redis(url, { maxRetriesPerRequest: null }),
  ) as [Redis, Redis, Redis];
  // It is killed.
  direct.on('error', () => {});
  const isLinked = async (redis: Redis) => (await redis.info('replication')).includes('master_link_status:up');
  for (const redis of [direct, copy, lastCopy]) await redis.config('SET', 'repl-diskless-sync-delay', '0');
  await copy.replicaof('127.0.0.1', new URL(link.url).port);
  await until('the replica has all', () => isLinked(copy), 60_000);
  await lastCopy.replicaof('127.0.0.1', new URL(replica.url).port);
  await until('its replica has all', () => isLinked(lastCopy), 60_000);
  return {
    /** The address of whichever is the primary. */
    url: front.url,
    /** Connections to the first primary and to its replica. */
    primary: direct,
    replica: copy,
    /** Nothing more reaches the replica. The primary does not notice for a minute. */
    haltReplication: () => link.silence(),
    resumeReplication: () => link.open(),
    /** Kills the primary, and lets its replica take its place. */
    failOver: async () => {
      await primary.kill();
      link.cut();
      await copy.replicaof('NO', 'ONE');
      front.leadTo(replica.url);
    },
    stop: async () => {
      for (const redis of [direct, copy, lastCopy]) redis.disconnect();
      await Promise.all([front.stop(), link.stop(), primary.stop(), replica.stop(), last.stop()]);
    },
  };
}
