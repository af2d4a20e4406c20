import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEpmdOf } from './network/epmd.ts';
import type { Network } from './network/network.ts';
import { onFreePorts } from './on-free-ports.ts';
import { type RabbitMq, type RabbitMqOptions, startEpmd, startRabbitMq } from './rabbitmq.ts';

/** A node that is silent for about so long counts as lost. Without it, that takes a minute. */
const NET_TICK_SECONDS = 8;

/** RabbitMQ nodes on this machine that are one cluster. */
export interface RabbitMqCluster {
  readonly nodes: readonly RabbitMq[];
  /** The addresses of all nodes, separated by commas. */
  readonly url: string;
  /** Which node is named so, such as `rabbit2@localhost`. */
  nodeNamed(name: string): RabbitMq;
  /** SIGKILL to all. */
  kill(): Promise<void>;
}

/**
 * Starts a cluster of three nodes, with its data in `dir`. Takes about half a minute.
 * @param options.network where nodes and clients reach a node, as `rabbit1` and so on. Left out: they reach it directly
 */
export async function startRabbitMqCluster(
  options: Pick<RabbitMqOptions, 'dir' | 'config' | 'plugins'> & { network?: Network },
): Promise<RabbitMqCluster> {
  const { dir, network, ...rest } = options;
  mkdirSync(dir, { recursive: true });
  const names = [1, 2, 3].map((number) => `rabbit${number}@localhost`);
  const { epmd, epmdPort } = await onFreePorts(1, async ([port]) => ({
    epmd: network ? await startEpmdOf(network, port!) : await startEpmd(dir, port!),
    epmdPort: port!,
  }));
  const shared = { all: names, epmdPort, password: randomSecret(), erlangCookie: randomSecret() };
  const startNode = async (name: string) => {
    const itsDir = join(dir, name);
    if (!network) return await startRabbitMq({ ...rest, dir: itsDir, member: { ...shared, name } });
    const server = name.split('@')[0]!;
    const address = network.addressOf(server).replaceAll('.', ',');
    const kernel = [`inet_dist_connect_options [{ip,{${address}}}]`, `net_ticktime ${NET_TICK_SECONDS}`];
    const member = { ...shared, name, kernel };
    const node = await startRabbitMq({ ...rest, dir: itsDir, member });
    const url = new URL(node.url);
    url.port = String(await network.doorTo(server, Number(url.port)));
    return { ...node, url: url.href };
  };
  const nodes = await Promise.all(names.map(startNode));
  return {
    nodes,
    url: nodes.map(({ url }) => url).join(','),
    nodeNamed: (name) => nodes[names.indexOf(name)]!,
    kill: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      await epmd.kill();
    },
  };
}

const randomSecret = () => randomBytes(18).toString('base64url');
