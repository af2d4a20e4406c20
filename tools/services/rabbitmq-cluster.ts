import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onFreePorts } from './on-free-ports.ts';
import { type RabbitMq, type RabbitMqOptions, startEpmd, startRabbitMq } from './rabbitmq.ts';

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

/** Starts a cluster of three nodes, with its data in `dir`. Takes about half a minute. */
export async function startRabbitMqCluster(
  options: Pick<RabbitMqOptions, 'dir' | 'config' | 'plugins'>,
): Promise<RabbitMqCluster> {
  const { dir, ...rest } = options;
  mkdirSync(dir, { recursive: true });
  const names = [1, 2, 3].map((number) => `rabbit${number}@localhost`);
  const { epmd, epmdPort } = await onFreePorts(1, async ([port]) => ({
    epmd: await startEpmd(dir, port!),
    epmdPort: port!,
  }));
  const shared = { all: names, epmdPort, password: randomSecret(), erlangCookie: randomSecret() };
  const nodes = await Promise.all(
    names.map((name) => startRabbitMq({ ...rest, dir: join(dir, name), member: { ...shared, name } })),
  );
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
