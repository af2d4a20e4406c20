import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { hashSlotOf } from '../../src/contracts/hash-slot.ts';
import type { Network } from './network/network.ts';
import { onFreePorts } from './on-free-ports.ts';
import { startOneProcess } from './one-process.ts';
import { runRedis } from './redis.ts';
import { type RedisAccess, withAccess } from './redis-access.ts';
import type { Service } from './service.ts';

const SLOTS = 16_384;
const PRIMARIES = 3;
/** A node that is silent for this long is replaced by its replica. */
const NODE_TIMEOUT_MS = 2_000;
const JOIN_TIMEOUT_MS = 60_000;

/** Redis servers on this machine that are one Redis Cluster. */
export interface RedisCluster {
  readonly nodes: readonly Service[];
  /** For REDIS_URL, without a user. */
  readonly url: string;
  /** Whether each slot has a primary, and each primary its replicas. */
  isWhole(): Promise<boolean>;
  /** The node that takes writes to a key now. */
  primaryOf(key: string): Promise<Service>;
  /** A connection as admin to a node. The caller ends it. */
  connect(node: Service): Redis;
  /** SIGKILL to all. */
  kill(): Promise<void>;
}

/**
 * Starts a Redis Cluster of three primaries, with its data in `dir`. It takes a few seconds.
 * @param options.replicas of each primary
 * @param options.network where nodes and clients reach a node, as `node-1` and so on. Left out: they reach it directly
 */
export async function startRedisCluster(
  options: { dir: string; replicas?: 0 | 1; appendfsync?: 'always' | 'everysec'; network?: Network } & RedisAccess,
): Promise<RedisCluster> {
  const { dir, replicas = 1, appendfsync, network, ...access } = options;
  const { settings, replicaSettings, scheme, connectionTo } = withAccess(dir, access);
  const startNode = (number: number) =>
    onFreePorts(2, async ([port, busPort]) => {
      const name = `node-${number}`;
      const nodeDir = join(dir, name);
      const [door, busDoor] = network
        ? [await network.doorTo(name, port!), await network.doorTo(name, busPort!)]
        : [port!, busPort!];
      const node = await startOneProcess({
        url: `${scheme}://127.0.0.1:${door}`,
        ...runRedis({
          dir: nodeDir,
          ...(appendfsync && { appendfsync }),
          settings: {
            ...settings(port!),
            ...replicaSettings,
            'cluster-enabled': 'yes',
            'cluster-config-file': 'nodes.conf',
            'cluster-port': busPort!,
            'cluster-node-timeout': NODE_TIMEOUT_MS,
            // A replica stands in also if it was cut off for a while.
            'cluster-replica-validity-factor': 0,
            'repl-diskless-sync-delay': 0,
            ...(network && {
              'bind-source-addr': network.addressOf(name),
              'cluster-announce-ip': '127.0.0.1',
              'cluster-announce-port': door,
              'cluster-announce-bus-port': busDoor,
            }),
            ...(access.tls && { 'tls-cluster': 'yes' }),
          },
        }),
      });
      return { node, port: door, busPort: busDoor };
    });
  const started = await Promise.all(Array.from({ length: PRIMARIES * (1 + replicas) }, (_, i) => startNode(i + 1)));
  const nodes = started.map(({ node }) => node);
  const kill = async () => void (await Promise.all(nodes.map((node) => node.kill())));
  const admins = nodes.map(({ url }) => connectionTo(url));
  try {
    await makeCluster(admins, started);
  } catch (error) {
    await kill();
    throw error;
  } finally {
    for (const admin of admins) admin.disconnect();
  }
  const knowsAll = async (node: Service) => {
    const admin = connectionTo(node.url);
    try {
      const [info, replication] = [(await admin.cluster('INFO')) as string, await admin.info('replication')];
      return (
        info.includes('cluster_state:ok') &&
        (replication.includes('master_link_status:up') ||
          [...replication.matchAll(/,state=online,/g)].length === replicas)
      );
    } catch {
      return false;
    } finally {
      admin.disconnect();
    }
  };
  return {
    nodes,
    isWhole: async () => (await Promise.all(nodes.map(knowsAll))).every((knows) => knows),
    url: `${scheme}+cluster://${nodes.map(({ url }) => new URL(url).host).join(',')}`,
    primaryOf: async (key) => {
      const slot = hashSlotOf(key);
      for (const node of nodes) {
        const admin = connectionTo(node.url);
        try {
          const ranges = await admin.cluster('SLOTS');
          const [, , [, port] = []] = ranges.find(([first, last]) => first <= slot && slot <= last) ?? [];
          const primary = nodes.find(({ url }) => new URL(url).port === String(port));
          if (primary) return primary;
        } catch {
          // This node is down, or knows nothing; the next one may.
        } finally {
          admin.disconnect();
        }
      }
      throw new Error(`no node knows where the slot ${slot} is`);
    },
    connect: ({ url }) => connectionTo(url),
    kill,
  };
}

/** Makes one cluster of nodes that know nothing of each other. */
async function makeCluster(
  admins: readonly Redis[],
  nodes: readonly { port: number; busPort: number }[],
): Promise<void> {
  const primaries = admins.slice(0, PRIMARIES);
  for (const [i, admin] of primaries.entries()) {
    const [first, last] = [i, i + 1].map((part) => Math.floor((part * SLOTS) / PRIMARIES));
    await admin.cluster('SET-CONFIG-EPOCH', i + 1);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', first!, last! - 1);
  }
  for (const { port, busPort } of nodes.slice(1)) await admins[0]!.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  const knowAll = async (admin: Redis) => {
    const info = (await admin.cluster('INFO')) as string;
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}\r`);
  };
  await untilAll(admins, knowAll);
  const ids = await Promise.all(primaries.map((admin) => admin.cluster('MYID')));
  const replicas = admins.slice(PRIMARIES);
  for (const [i, admin] of replicas.entries()) await admin.cluster('REPLICATE', ids[i] as string);
  await untilAll(replicas, async (admin) => (await admin.info('replication')).includes('master_link_status:up'));
  // Only a replica that a node knows of can stand in.
  await untilAll(admins, async (admin) => {
    const known = (await admin.cluster('NODES')) as string;
    return known.split(' slave ').length + known.split('myself,slave ').length - 2 === replicas.length;
  });
}

async function untilAll(admins: readonly Redis[], isSo: (admin: Redis) => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + JOIN_TIMEOUT_MS;
  while (!(await Promise.all(admins.map(isSo))).every((is) => is)) {
    if (Date.now() > deadline) throw new Error('the nodes did not become a Redis Cluster in time');
    await sleep(20);
  }
}
