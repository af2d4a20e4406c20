import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { keptPassword } from './kept-password.ts';
import { onFreePorts } from './on-free-ports.ts';
import { programs, serverProgram } from './programs.ts';
import type { Service } from './service.ts';

const run = promisify(execFile);

const START_TIMEOUT_MS = 90_000;
/**
 * Runs $@ deaf to SIGTERM. When our process ends, our guards tell RabbitMQ and epmd to end at the same moment. A RabbitMQ
 * that just starts would then miss epmd, and start one that nobody ends.
 */
const DEAF = `trap "" TERM; exec "$@"`;
/** How much of its log an error quotes. */
const FAILURE_CHARS = 1_500;

export interface RabbitMq extends Service {
  /** Base URL of the management API, with user and password. */
  readonly managementUrl: string;
  /** Runs rabbitmqctl on it. */
  ctl(...args: string[]): Promise<void>;
}

export interface RabbitMqOptions {
  dir: string;
  /** Additional lines of rabbitmq.conf. */
  config?: readonly string[];
  /** Lines of rabbitmq.conf that say what it listens on, in place of AMQP and the management API without TLS. */
  listeners?: (ports: { port: number; managementPort: number; metricsPort: number }) => readonly string[];
  /** In addition to the management plugin. */
  plugins?: readonly string[];
  /** Shows metrics to Prometheus. */
  metrics?: boolean;
  /** It is a node of a cluster. Left out: it is alone. */
  member?: ClusterMember;
}

/** What the nodes of a cluster share, and which of them one is. */
export interface ClusterMember {
  /** Node names, such as rabbit1@localhost. */
  name: string;
  all: readonly string[];
  /** The port of the epmd of all nodes. It runs already. */
  epmdPort: number;
  /** The password of the user healify. */
  password: string;
  erlangCookie: string;
  /** Further settings of Erlang's kernel, as `name value`. */
  kernel?: readonly string[];
}

/**
 * Starts the installed RabbitMQ with its own node name, password and epmd, and with its data in `dir`. So it shares
 * nothing with another RabbitMQ on this machine.
 */
export async function startRabbitMq(options: RabbitMqOptions): Promise<RabbitMq> {
  return await onFreePorts(5, (ports) => startOn(ports as Ports, options));
}

type Ports = [port: number, distPort: number, epmdPort: number, managementPort: number, metricsPort: number];

async function startOn(ports: Ports, options: RabbitMqOptions): Promise<RabbitMq> {
  const { dir, config = [], listeners, plugins = [], metrics = false, member } = options;
  const [port, distPort, ownEpmdPort, managementPort, metricsPort] = ports;
  const { program, commandLine } = serverProgram('rabbitMqServer');
  mkdirSync(join(dir, 'home'), { recursive: true });
  // RabbitMQ creates its user at the first start only, so later starts on the same data need the same password.
  const password = member?.password ?? keptPassword(dir);
  if (member) keepCookie(join(dir, 'home/.erlang.cookie'), member.erlangCookie);
  const logFile = join(dir, 'rabbitmq.log');

  writeFileSync(
    join(dir, 'rabbitmq.conf'),
    [
      ...(listeners?.({ port, managementPort, metricsPort }) ?? [
        `listeners.tcp.1 = 127.0.0.1:${port}`,
        'management.tcp.ip = 127.0.0.1',
        `management.tcp.port = ${managementPort}`,
        ...(metrics ? ['prometheus.tcp.ip = 127.0.0.1', `prometheus.tcp.port = ${metricsPort}`] : []),
      ]),
      'default_user = healify',
      `default_pass = ${password}`,
      // RabbitMQ's default would stop publishers on a machine with a nearly full disk.
      'disk_free_limit.absolute = 50MB',
      'log.console = true',
      'log.console.level = warning',
      'log.file = false',
      ...clusterLines(member),
      ...config,
      '',
    ].join('\n'),
  );
  const allPlugins = ['rabbitmq_management', ...(metrics ? ['rabbitmq_prometheus'] : []), ...plugins];
  writeFileSync(join(dir, 'enabled_plugins'), `[${allPlugins.join(',')}].\n`);
  const env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: join(dir, 'home'),
    RABBITMQ_NODENAME: member?.name ?? 'healify@localhost',
    // It would listen there without TLS.
    ...(!listeners && { RABBITMQ_NODE_PORT: String(port) }),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(dir, 'rabbitmq.pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    // By default idle schedulers spin for a while, which takes CPU time from the processes under test.
    // Who reaches Erlang's distribution and has the cookie can run anything, so only this machine may.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
      '+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
      ...(member?.kernel ?? []),
    ].join(' '),
    ERL_CRASH_DUMP: join(dir, 'erl_crash.dump'),
    ERL_EPMD_PORT: String(member?.epmdPort ?? ownEpmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };

  let epmd: GuardedProcess | undefined;
  let server: GuardedProcess | undefined;
  const start = async () => {
    if (!member && !epmd?.running) epmd = await startEpmd(dir, ownEpmdPort);
    server = await startGuarded(...commandLine(program, [], dir), { env, logFile });
    if (await isReady(server, epmd)) return;
    await kill();
    throw new Error(`rabbitmq-server did not start:\n${server.output().slice(-FAILURE_CHARS)}`);
  };
  const ended = async () => {
    await server?.exited;
    await epmd?.kill();
  };
  const kill = async () => {
    await server?.kill();
    await ended();
  };
  await start();
  return {
    url: `amqp://healify:${password}@127.0.0.1:${port}`,
    managementUrl: `http://healify:${password}@127.0.0.1:${managementPort}`,
    metricsAddress: metrics ? `127.0.0.1:${metricsPort}` : undefined,
    start,
    exited: async () => {
      await server?.exited;
      // This is the exit code of the script that started RabbitMQ. It is 0 however RabbitMQ ended, so 0 tells nothing.
      return server?.exitCode || undefined;
    },
    logFile,
    ctl: async (...args) => {
      await run(...commandLine(join(dirname(program), 'rabbitmqctl'), args, dir), { env });
    },
    stop: async () => {
      await server?.stop();
      await ended();
    },
    kill,
  };
}

/** Starts epmd, which tells the nodes of one machine each other's ports. */
export async function startEpmd(dir: string, port: number): Promise<GuardedProcess> {
  const { commandLine } = programs();
  const env = { PATH: process.env.PATH, ERL_EPMD_PORT: String(port), ERL_EPMD_ADDRESS: '127.0.0.1' };
  return await startGuarded('sh', ['-c', DEAF, 'epmd', ...commandLine('epmd', [], dir).flat()], { env });
}

async function isReady(server: GuardedProcess, epmd: GuardedProcess | undefined): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running && epmd?.running !== false) {
    if (/completed with \d+ plugins/.test(server.output())) return true;
    await sleep(50);
  }
  return false;
}

const clusterLines = (member: ClusterMember | undefined): string[] =>
  member
    ? [
        'cluster_formation.peer_discovery_backend = classic_config',
        ...member.all.map((name, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${name}`),
        'cluster_partition_handling = pause_minority',
      ]
    : [];

function keepCookie(file: string, cookie: string): void {
  if (!existsSync(file)) writeFileSync(file, cookie, { mode: 0o400 });
}
