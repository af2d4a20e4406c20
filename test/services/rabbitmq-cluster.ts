import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { programs } from '../../tools/services/programs.ts';
import { type RabbitMqCluster, startRabbitMqCluster } from '../../tools/services/rabbitmq-cluster.ts';
import { managementApi } from './management-api.ts';

/** Why tests with a cluster are left out; undefined: they can run. */
export const withoutCluster: string | undefined = programs().rabbitMqServer
  ? undefined
  : 'RabbitMQ is not installed on this machine';

/** A cluster of three nodes, with its data in the run's folder. The test kills it. */
export const testRabbitMqCluster = async (): Promise<RabbitMqCluster> =>
  await startRabbitMqCluster({ dir: mkdtempSync(join(process.env.TEST_RUN_FOLDER!, 'rabbitmq-cluster-')) });

/** Where a queue's leader and members are, as a node of the cluster says. */
export async function queuePlaces(managementUrl: string, queue: string) {
  const { leader, members, online } = (await managementApi(managementUrl).get(`queues/%2F/${queue}`)) as {
    leader: string;
    members: string[];
    online: string[];
  };
  return { leader, members, online };
}

/** Our processes' connections, and to which nodes. */
export async function connections(managementUrl: string): Promise<{ name: string; node: string }[]> {
  const listed = (await managementApi(managementUrl).get('connections')) as {
    node: string;
    client_properties: { connection_name?: string };
  }[];
  return listed.map(({ node, client_properties }) => ({ node, name: client_properties.connection_name ?? '' }));
}
