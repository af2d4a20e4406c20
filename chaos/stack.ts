import { globSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withCompileCache } from '../tools/services/compile-cache.ts';
import { freePort } from '../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../tools/services/guarded-process.ts';
import type { CutOffFrom } from '../tools/services/network/orders.ts';
import { makeRunFolder, removeFolder } from '../tools/services/run-folder.ts';
import { startBalancer } from './balancer.ts';
import { startCollector } from './collect-traces.ts';
import type { CutVictim, Servers, ServerVictim } from './servers/servers.ts';
import { startSingleServers } from './servers/single.ts';

/** What can be killed. */
export type Victim = 'api' | 'worker' | ServerVictim;

export const JWT_SECRET = 'chaos-chaos-chaos-chaos-chaos-chaos';
export const MESSAGE_SIGNING_KEY = 'signed-signed-signed-signed-signed-signed';

const DIED_CHARS = 3_000;
const LOOK_MS = 500;
const ROOT = join(import.meta.dirname, '..');

/** Settings that make failures frequent and recoveries quick; none of them weakens a guarantee. */
const SETTINGS = {
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  // Every line is searched for what it must not hold.
  LOG_LEVEL: 'debug',
  JWT_SECRET,
  MESSAGE_SIGNING_KEY,
  MODEL_TIMEOUT: '3s',
  JOB_ATTEMPTS: '8',
  RETRY_BASE: '200ms',
  RETRY_MAX: '2s',
  BREAKER_OPEN: '1s',
  RATE_SEND_PER_MINUTE: '1000000',
  RATE_READ_PER_MINUTE: '1000000',
  // One user's answer serves the others, so that a repeated question needs no call.
  CACHE_SCOPE: 'all',
};

/** The product as it runs in production: apis and workers, on servers of their own. */
export interface Stack extends Pick<Servers, 'redisUrl' | 'rabbitMqUrl' | 'oneFaultAtATime'> {
  readonly apiUrls: readonly string[];
  readonly victims: readonly Victim[];
  /** Where the logs of apis and workers are, and, in `servers`, the data of the servers. */
  readonly logDir: string;
  logFiles(): string[];
  /** Of all apis and workers that run. */
  metricsUrls(): string[];
  /** What apis and workers have exported of their traces. */
  readonly traceFile: string;
  /** The settings of the product for its servers. */
  readonly settings: Readonly<Record<string, string>>;
  /** Kills one of these with SIGKILL, and starts it again after `downMs`. Resolves when it has started. */
  kill(victim: Victim, downMs: number): Promise<void>;
  /** Cuts one of these off from the network for so long. Its servers must be a cluster. */
  cut(victim: CutVictim, from: CutOffFrom, forMs: number): Promise<void>;
  /** Resolves once all servers run and have what the others have, or after `mostMs`. */
  untilWhole(mostMs: number): Promise<void>;
  /** Calls the simulator's control API. @param behavior how it answers from now on */
  control<T>(path: string, behavior?: object): Promise<T>;
  /** The last output of each process that ended without being killed. Each was started again. */
  readonly died: string[];
  /** @param keepLogs true: the logs stay. Returns their folder */
  stop(keepLogs: boolean): Promise<string>;
}

/**
 * @param options.preload modules that apis and workers load first, which break the product on purpose
 * @param options.settings in place of the usual ones
 * @param options.startServers starts the servers, with their data in this folder. Left out: one Redis and one RabbitMQ
 */
export async function startStack(options: {
  preload: readonly string[];
  settings?: Record<string, string>;
  startServers?: (dir: string) => Promise<Servers>;
}): Promise<Stack> {
  const dir = makeRunFolder('chaos');
  const { startServers = startSingleServers } = options;
  const traceFile = join(dir, 'traces.otlp');
  const [servers, simulator, collector] = await Promise.all([
    startServers(join(dir, 'servers')),
    startGuarded(process.execPath, [join(ROOT, 'tools/simulator/main.ts')]),
    startCollector(traceFile),
  ]);
  const modelUrl = await said(simulator, /listening on (\S+)\/v1/);
  const env = {
    PATH: process.env.PATH,
    ...withCompileCache,
    ...SETTINGS,
    ...servers.settings,
    ...options.settings,
    MODEL_SIMULATOR_URL: `${modelUrl}/v1`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  };
  const preload = options.preload.flatMap((module) => ['--import', module]);
  /** By the port of the process. */
  const metricsPorts = new Map<number, number>();
  const start = async (name: 'api' | 'worker', port: number) => {
    const metricsPort = await freePort();
    metricsPorts.set(port, metricsPort);
    return startGuarded(process.execPath, [...preload, join(ROOT, `src/main/${name}.ts`)], {
      env: {
        ...env,
        [`${name.toUpperCase()}_PORT`]: String(port),
        [`${name.toUpperCase()}_METRICS_PORT`]: String(metricsPort),
      },
      logFile: join(dir, `${name}-${port}.log`),
    });
  };

  let stopping = false;
  const died: string[] = [];
  const portsFor = async (count: number) => {
    const found: number[] = [];
    while (found.length < count) found.push(await freePort());
    return found;
  };
  const ports = { api: await portsFor(servers.apis), worker: await portsFor(servers.workers) };
  const replicasOf = (name: 'api' | 'worker') =>
    Promise.all(ports[name].map((port) => keepRunning(() => start(name, port))));
  const replicas = { api: await replicasOf('api'), worker: await replicasOf('worker') };
  const kills = { api: 0, worker: 0 };
  for (const port of [...ports.api, ...ports.worker]) {
    while (!(await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok) await sleep(100);
  }

  const balancer = servers.behindProxy ? await startBalancer(ports.api) : undefined;
  const { redisUrl, rabbitMqUrl, oneFaultAtATime } = servers;

  return {
    ...{ redisUrl, rabbitMqUrl, oneFaultAtATime },
    apiUrls: balancer ? [balancer.url] : ports.api.map((port) => `http://127.0.0.1:${port}`),
    victims: ['worker', 'api', ...servers.victims],
    logDir: dir,
    logFiles: () => globSync('*.log', { cwd: dir }).map((name) => join(dir, name)),
    metricsUrls: () => [...metricsPorts.values()].map((port) => `http://127.0.0.1:${port}/metrics`),
    traceFile,
    settings: servers.settings,
    kill: async (victim, downMs) => {
      if (victim === 'api' || victim === 'worker') {
        // The replicas take turns.
        return await replicas[victim][kills[victim]++ % replicas[victim].length]!.kill(downMs);
      }
      const server = await servers.serverOf(victim);
      await server.kill();
      await sleep(downMs);
      if (!stopping) await server.start();
    },
    cut: async (victim, from, forMs) => {
      if (!servers.cutOff) throw new Error('the network of these servers cannot be cut');
      const heal = await servers.cutOff(victim, from);
      await sleep(forMs);
      await heal();
    },
    untilWhole: async (mostMs) => {
      const end = Date.now() + mostMs;
      while (!stopping && Date.now() < end && !(await servers.areWhole())) await sleep(LOOK_MS);
    },
    control: async <T>(path: string, behavior?: object) => {
      const put = behavior && { method: 'PUT', body: JSON.stringify(behavior) };
      return (await (await fetch(`${modelUrl}/control/${path}`, put)).json()) as T;
    },
    died,
    stop: async (keepLogs) => {
      stopping = true;
      await Promise.all([...replicas.api, ...replicas.worker].map((child) => child.stop()));
      balancer?.stop();
      await Promise.all([simulator.kill(), servers.stop(), collector.stop()]);
      removeFolder(keepLogs ? join(dir, 'servers') : dir);
      if (!keepLogs) return dir;
      // Under this name the next run does not remove it.
      const logs = join(dirname(dir), `healify-chaos-logs-${process.pid}`);
      renameSync(dir, logs);
      return logs;
    },
  };

  /** Starts a process again when it ends, as an orchestrator does. */
  async function keepRunning(start: () => Promise<GuardedProcess>) {
    let child = await start();
    let killed = false;
    const watch = async () => {
      await child.exited;
      if (killed || stopping) return;
      died.push(child.output().slice(-DIED_CHARS));
      child = await start();
      void watch();
    };
    void watch();
    return {
      stop: () => child.stop(),
      kill: async (downMs: number) => {
        killed = true;
        await child.kill();
        await sleep(downMs);
        killed = false;
        if (stopping) return;
        child = await start();
        void watch();
      },
    };
  }
}

async function said(child: GuardedProcess, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = pattern.exec(child.output())?.[1];
    if (found) return found;
    if (!child.running) throw new Error(child.output());
    await sleep(20);
  }
}
