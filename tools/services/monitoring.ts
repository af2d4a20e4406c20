import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { aptInstall, canInstall } from './apt.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';

/** Debian's names. Elsewhere Alertmanager is called alertmanager. */
const PROGRAMS = {
  prometheus: ['prometheus'],
  promtool: ['promtool'],
  alertmanager: ['prometheus-alertmanager', 'alertmanager'],
  amtool: ['amtool'],
} as const;

/** The commands of Prometheus and Alertmanager. */
export type Monitoring = Record<keyof typeof PROGRAMS, string>;

const isInstalled = (program: string) => spawnSync(program, ['--version']).status === 0;

/** undefined: not all of them are installed. */
export function monitoringPrograms(): Monitoring | undefined {
  const found = Object.entries(PROGRAMS).map(([name, commands]) => [name, commands.find(isInstalled)]);
  return found.every(([, command]) => command) ? (Object.fromEntries(found) as Monitoring) : undefined;
}

/** Installs Prometheus and Alertmanager where they are missing and apt may install; elsewhere it does nothing. */
export function installMonitoring(): void {
  if (monitoringPrograms() || !canInstall()) return;
  process.stdout.write('installing prometheus and prometheus-alertmanager ...\n');
  try {
    aptInstall(['prometheus', 'prometheus-alertmanager']);
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
  }
}

const START_TIMEOUT_MS = 20_000;

/** Starts Prometheus on 127.0.0.1 with its data in `dir`. */
export async function startPrometheus(options: {
  programs: Monitoring;
  dir: string;
  configFile: string;
  port: number;
}): Promise<GuardedProcess> {
  const { programs, dir, configFile, port } = options;
  const args = [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${join(dir, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  return untilReady(await startGuarded(programs.prometheus, args), port);
}

/** Starts Alertmanager on 127.0.0.1, as the only one of its cluster, with its data in `dir`. */
export async function startAlertmanager(options: {
  programs: Monitoring;
  dir: string;
  configFile: string;
  port: number;
}): Promise<GuardedProcess> {
  const { programs, dir, configFile, port } = options;
  const args = [
    `--config.file=${configFile}`,
    `--storage.path=${join(dir, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ];
  return untilReady(await startGuarded(programs.alertmanager, args), port);
}

async function untilReady(server: GuardedProcess, port: number): Promise<GuardedProcess> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running) {
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
    if (response?.ok) return server;
    await sleep(50);
  }
  await server.kill();
  throw new Error(`it did not start:\n${server.output()}`);
}
