import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRedisAddress } from '../../src/contracts/redis-address.ts';
import { canListen, freePort } from '../services/free-port.ts';
import { commandOf, startAlertmanager, startPrometheus, startRedisExporter } from '../services/monitoring.ts';
import { DEPLOY, derivePrometheus } from '../services/prometheus-config.ts';
import type { Service } from '../services/service.ts';
import { baseUrlOf } from './addresses.ts';
import type { Environment } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** A minute's traffic is to be seen on a dashboard, so this is shorter than in production. */
const INTERVAL = '5s';

export interface StartedMonitoring {
  started: { name: string; service: Service }[];
  /** undefined: it is not installed, or did not start */
  prometheusUrl: string | undefined;
  alertmanagerUrl: string | undefined;
  /** Gives Prometheus the present METRICS_TOKEN. */
  useToken(env: Environment): void;
}

/**
 * Starts Prometheus with the rules of deploy/prometheus, and with it Alertmanager and the exporter of Redis, as far as
 * they are installed. The product works without them, so a failure is only said.
 * @param options.env the settings that api and worker get
 * @param options.rabbitMqMetrics host:port of RabbitMQ's own metrics; undefined if RabbitMQ is not ours
 */
export async function startMonitoring(options: {
  env: Environment;
  rabbitMqMetrics: string | undefined;
  dataDir: string;
  terminal: Terminal;
}): Promise<StartedMonitoring> {
  const { env, rabbitMqMetrics, dataDir, terminal } = options;
  const started: StartedMonitoring['started'] = [];
  const tokenFile = join(dataDir, 'metrics-token');
  const useToken = ({ METRICS_TOKEN = '' }: Environment) => writeFileSync(tokenFile, METRICS_TOKEN, { mode: 0o600 });

  const start = async (name: string, command: string | undefined, run: (command: string) => Promise<Service>) => {
    if (!command) return undefined;
    try {
      const service = await run(command);
      started.push({ name, service });
      return service.url;
    } catch (error) {
      terminal.problem(`${name} does not start, so it is left out: ${(error as Error).message}`);
      return undefined;
    }
  };
  const prometheus = commandOf('prometheus');
  if (!prometheus) return { started, prometheusUrl: undefined, alertmanagerUrl: undefined, useToken };

  const done = terminal.doing('Prometheus, installed');
  useToken(env);
  const dir = join(dataDir, 'monitoring');
  const [alertmanagerUrl, exporterUrl] = await Promise.all([
    start('Alertmanager', commandOf('alertmanager'), async (command) =>
      startAlertmanager({
        command,
        dir: join(dir, 'alertmanager'),
        configFile: env.ALERTMANAGER_CONFIG ?? join(DEPLOY, 'alertmanager/alertmanager.yml'),
        port: await portFor(env.ALERTMANAGER_PORT, 9093),
      }),
    ),
    start("Redis' exporter", commandOf('redisExporter'), async (command) =>
      startRedisExporter({
        command,
        dir: join(dir, 'redis-exporter'),
        redisUrl: oneServerOf(env.REDIS_URL!),
        port: await freePort(),
      }),
    ),
  ]);
  const address = (url: string | undefined) => (url ? [new URL(url).host] : []);
  const targets = {
    'healify-api': address(metricsUrlOf(env, 'API')),
    'healify-worker': address(metricsUrlOf(env, 'WORKER')),
    rabbitmq: rabbitMqMetrics ? [rabbitMqMetrics] : [],
    redis: address(exporterUrl),
    alertmanager: address(alertmanagerUrl),
  };
  const prometheusUrl = await start('Prometheus', prometheus, async (command) =>
    startPrometheus({
      command,
      dir: join(dir, 'prometheus'),
      configFile: derivePrometheus({
        dir: join(dir, 'prometheus'),
        targets: Object.fromEntries(Object.entries(targets).filter(([, at]) => at.length > 0)),
        alertmanager: alertmanagerUrl && new URL(alertmanagerUrl).host,
        interval: INTERVAL,
        tokenFile: env.METRICS_TOKEN_FILE ?? tokenFile,
      }),
      port: await portFor(env.PROMETHEUS_PORT, 9090),
      env: { ...process.env, RUNBOOK_BASE_URL: env.RUNBOOK_BASE_URL ?? `${baseUrlOf(env, 'API_PORT')}/` },
    }),
  );
  done();
  return { started, prometheusUrl, alertmanagerUrl, useToken };
}

/** @param process API or WORKER */
export const metricsUrlOf = (env: Environment, process: 'API' | 'WORKER') =>
  baseUrlOf({ ...env, HOST: env.METRICS_HOST }, `${process}_METRICS_PORT`);

/** Returns the wanted port, or another one if that is taken: Debian's package has a Prometheus of its own on 9090. */
async function portFor(wanted: string | undefined, usual: number): Promise<number> {
  const port = Number(wanted ?? usual);
  return (await canListen(port, '127.0.0.1')) ? port : await freePort();
}

/** The exporter knows one server. Of several it shows the first: a Sentinel, or a node of the Cluster. */
function oneServerOf(redisUrl: string): string {
  const address = readRedisAddress(redisUrl);
  if (address.kind === 'server') return address.url;
  const [node, { username = '', password = '' }] =
    address.kind === 'cluster' ? [address.nodes[0]!, address.user] : [address.sentinels[0]!, address.sentinelUser];
  const url = new URL(`${address.tls ? 'rediss' : 'redis'}://localhost`);
  Object.assign(url, { hostname: node.host, port: String(node.port), username, password });
  return url.href;
}
