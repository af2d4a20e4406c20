import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { aptInstall, canInstall } from './apt.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { startOneProcess } from './one-process.ts';
import type { Service } from './service.ts';

/** Debian's names come first. Elsewhere Alertmanager is called alertmanager, and the exporter redis_exporter. */
const COMMANDS = {
  prometheus: ['prometheus'],
  promtool: ['promtool'],
  alertmanager: ['prometheus-alertmanager', 'alertmanager'],
  amtool: ['amtool'],
  redisExporter: ['prometheus-redis-exporter', 'redis_exporter'],
} as const;

type Program = keyof typeof COMMANDS;

/** The commands of Prometheus and Alertmanager. */
export type Monitoring = Record<Exclude<Program, 'redisExporter'>, string>;

const isInstalled = (command: string) => spawnSync(command, ['--version']).status === 0;

/** Returns the command of a program; undefined if it is not installed. */
export const commandOf = (program: Program): string | undefined => COMMANDS[program].find(isInstalled);

/** undefined: not all of them are installed. */
export function monitoringPrograms(): Monitoring | undefined {
  const programs = (['prometheus', 'promtool', 'alertmanager', 'amtool'] as const).map(
    (name) => [name, commandOf(name)] as const,
  );
  return programs.every(([, command]) => command) ? (Object.fromEntries(programs) as Monitoring) : undefined;
}

/** Debian's packages. */
const PACKAGES = ['prometheus', 'prometheus-alertmanager', 'prometheus-redis-exporter'];

/**
 * Installs Prometheus, Alertmanager and the exporter of Redis where one is missing and apt may install; elsewhere it does
 * nothing.
 */
export function installMonitoring(): void {
  if ((monitoringPrograms() && commandOf('redisExporter')) || !canInstall()) return;
  process.stdout.write(`installing ${PACKAGES.join(', ')} ...\n`);
  try {
    aptInstall(PACKAGES);
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
  }
}

const START_TIMEOUT_MS = 20_000;
/** Where a server is found, and where its pages say that they are. */
const addressFlags = (port: number) => [
  `--web.listen-address=127.0.0.1:${port}`,
  `--web.external-url=http://localhost:${port}`,
];

export interface MonitorOptions {
  command: string;
  /** For its data and its log. */
  dir: string;
  configFile: string;
  port: number;
  env?: NodeJS.ProcessEnv;
}

/** Starts Prometheus on 127.0.0.1. RUNBOOK_BASE_URL of `env` is before the paths of the runbooks. */
export const startPrometheus = (options: MonitorOptions) =>
  startMonitor('prometheus', options, '/-/ready', [
    `--config.file=${options.configFile}`,
    `--storage.tsdb.path=${join(options.dir, 'data')}`,
    // The first is for RUNBOOK_BASE_URL. Since Prometheus 3 it is always on.
    '--enable-feature=expand-external-labels,exemplar-storage',
    ...addressFlags(options.port),
  ]);

/** Starts Alertmanager on 127.0.0.1, as the only one of its cluster. */
export const startAlertmanager = (options: MonitorOptions) =>
  startMonitor('alertmanager', options, '/-/ready', [
    `--config.file=${options.configFile}`,
    `--storage.path=${join(options.dir, 'data')}`,
    '--cluster.listen-address=',
    ...addressFlags(options.port),
  ]);

/** Starts the exporter of a Redis on 127.0.0.1. Its URL goes into the environment, because it may have a password. */
export const startRedisExporter = ({
  redisUrl,
  ...options
}: Omit<MonitorOptions, 'configFile'> & { redisUrl: string }) =>
  startMonitor(
    'redis-exporter',
    {
      ...options,
      env: { ...process.env, REDIS_ADDR: redisUrl, REDIS_EXPORTER_INCL_SYSTEM_METRICS: 'true' },
    },
    '/health',
    [`--web.listen-address=127.0.0.1:${options.port}`],
  );

async function startMonitor(
  name: string,
  { command, dir, port, env = process.env }: Omit<MonitorOptions, 'configFile'>,
  readyPath: string,
  args: string[],
): Promise<Service> {
  mkdirSync(dir, { recursive: true });
  const url = `http://localhost:${port}`;
  const logFile = join(dir, `${name}.log`);
  const run = async () =>
    untilReady(await startGuarded(command, args, { env, logFile }), `http://127.0.0.1:${port}${readyPath}`);
  return await startOneProcess({ url, logFile, run });
}

async function untilReady(server: GuardedProcess, readyUrl: string): Promise<GuardedProcess> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running) {
    const response = await fetch(readyUrl).catch(() => undefined);
    if (response?.ok) return server;
    await sleep(50);
  }
  await server.kill();
  throw new Error(`it did not start:\n${server.output()}`);
}
