import { join } from 'node:path';
import { installMissing } from '../services/apt.ts';
import { programs } from '../services/programs.ts';
import { startRabbitMq } from '../services/rabbitmq.ts';
import { startRedis } from '../services/redis.ts';
import type { Service } from '../services/service.ts';
import { composeCommand, startComposeService } from './compose.ts';
import type { Environment } from './environment.ts';
import type { Terminal } from './terminal.ts';

interface Server {
  name: 'RabbitMQ' | 'Redis';
  setting: 'RABBITMQ_URL' | 'REDIS_URL';
  composeService: 'rabbitmq' | 'redis';
  aptPackage: string;
  isInstalled: () => boolean;
  startInstalled: (dir: string) => Promise<Service>;
}

const SERVERS: Server[] = [
  {
    name: 'RabbitMQ',
    setting: 'RABBITMQ_URL',
    composeService: 'rabbitmq',
    aptPackage: 'rabbitmq-server',
    isInstalled: () => programs().rabbitMqServer !== undefined,
    startInstalled: (dir) => startRabbitMq({ dir, metrics: true }),
  },
  {
    name: 'Redis',
    setting: 'REDIS_URL',
    composeService: 'redis',
    aptPackage: 'redis-server',
    isInstalled: () => programs().redisServer !== undefined,
    startInstalled: (dir) => startRedis({ dir, hasPassword: true }),
  },
];

export interface FoundServers {
  urls: Record<'RABBITMQ_URL' | 'REDIS_URL', string>;
  /** The servers that `npm start` started itself. */
  started: { name: string; service: Service }[];
  /** RabbitMQ's management page, if `npm start` started RabbitMQ. */
  managementUrl: string | undefined;
  /** host:port of RabbitMQ's own metrics, if `npm start` started an installed RabbitMQ. */
  rabbitMqMetrics: string | undefined;
}

/**
 * Finds or starts RabbitMQ and Redis. For each it uses the first that is available: the server of the setting's URL, an
 * installed one, the one of docker-compose.yml, or one that apt installs now.
 * @throws Error if none of these works; it says what the user can do
 */
export async function findServers(options: {
  env: Environment;
  root: string;
  dataDir: string;
  terminal: Terminal;
}): Promise<FoundServers> {
  const { env, terminal } = options;
  const missing = SERVERS.filter((server) => !env[server.setting] && !server.isInstalled());
  const compose = missing.length > 0 ? composeCommand() : undefined;
  if (missing.length > 0 && !compose) install(missing, terminal);

  const found = await Promise.all(
    SERVERS.map(async (server) => {
      const given = env[server.setting];
      if (given) {
        terminal.say(`  ok  ${server.name} of ${server.setting}`);
        return { server, url: given, service: undefined };
      }
      const fromCompose = compose && missing.includes(server);
      const done = terminal.doing(fromCompose ? `${server.name} from docker-compose.yml` : `${server.name}, installed`);
      const service = fromCompose
        ? await startComposeService({ ...options, compose, service: server.composeService })
        : await server.startInstalled(join(options.dataDir, server.composeService));
      done();
      return { server, url: service.url, service };
    }),
  );
  return {
    urls: Object.fromEntries(found.map(({ server, url }) => [server.setting, url])) as FoundServers['urls'],
    started: found.flatMap(({ server, service }) => (service ? [{ name: server.name, service }] : [])),
    managementUrl: found.map(({ service }) => service?.managementUrl).find((url) => url !== undefined),
    rabbitMqMetrics: found.map(({ service }) => service?.metricsAddress).find((address) => address !== undefined),
  };
}

function install(missing: Server[], terminal: Terminal): void {
  const settings = missing.map(({ setting }) => setting).join(' and ');
  installMissing(
    missing.map(({ aptPackage }) => aptPackage),
    {
      otherWays: [
        `set ${settings}, in the environment or in .env, to ${missing.length > 1 ? 'servers' : 'a server'} you have`,
        'start Docker, with docker compose or docker-compose',
      ],
      doing: (what) => terminal.doing(what),
    },
  );
}
