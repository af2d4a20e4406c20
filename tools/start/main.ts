import { chmodSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../services/free-port.ts';
import { buildPages } from '../web/build-pages.ts';
import { demoAccounts, makeAccount } from './accounts.ts';
import { baseUrlOf } from './addresses.ts';
import { banner } from './banner.ts';
import { changedNames, type Environment, keptSecrets, readEnvironment, writeAddresses } from './environment.ts';
import { lockDataDir } from './lock.ts';
import { startMonitoring } from './monitoring.ts';
import { refuseTakenPorts } from './ports.ts';
import { type FoundServers, findServers } from './servers.ts';
import { type Supervised, type SupervisedScript, superviseScript } from './supervise-script.ts';
import { superviseServer } from './supervise-server.ts';
import { createTerminal } from './terminal.ts';
import { until } from './until.ts';
import { watchHealth } from './watch-health.ts';

const HELP = `Runs the whole product on this machine: RabbitMQ, Redis, api and worker, and Prometheus where it is installed.

  npm start
  npm start -- --verbose        every log line on the terminal, not only warnings and errors
  npm start -- --data DIR       keep data, logs and secrets in DIR instead of .data

Settings come from the environment, then from .env; .env.example lists them all. RabbitMQ and Redis are, in this order:
those of RABBITMQ_URL and REDIS_URL; the installed rabbitmq-server and redis-server, run privately with their data in
.data; those of docker-compose.yml; installed by apt first. Without OPENAI_API_KEY a model simulator answers.

Prometheus has the rules of deploy/prometheus, and Alertmanager and prometheus-redis-exporter run with it where they are
installed. PROMETHEUS_PORT (9090) and ALERTMANAGER_PORT (9093) say where; if such a port is taken, another one is used.
RUNBOOK_BASE_URL is put before the paths of the runbooks in alerts.

When api or worker ends by itself it is started again with the settings as they are then in .env.

Ctrl-C stops everything that was started here. The next start finds its data again.
`;

const READY_TIMEOUT_MS = 60_000;
const PARENT_POLL_MS = 500;

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '.data') },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const dataDir = resolve(values.data);
mkdirSync(join(dataDir, 'logs'), { recursive: true });
// Users' texts and passwords are in it.
chmodSync(dataDir, 0o700);
const terminal = createTerminal({ verbose: values.verbose });
/** In the order in which they were started. They are stopped in the opposite order. */
const started: Supervised[] = [];
const watches: { stop(): void }[] = [];
let stopping: Promise<void> | undefined;

process.on('SIGINT', () => stop('SIGINT'));
process.on('SIGTERM', () => stop('SIGTERM'));
stopWithNpm();

try {
  await start();
} catch (error) {
  if (!stopping) {
    terminal.problem((error as Error).message);
    await stopAll();
    process.exit(1);
  }
}

async function start(): Promise<void> {
  const env = readEnvironment(root);
  const release = lockDataDir(dataDir);
  process.on('exit', release);
  await refuseTakenPorts(env);

  const [servers, simulator] = await Promise.all([startServers(env), startSimulator(env)]);
  const secrets = keptSecrets(dataDir);
  const { rabbitMqMetrics, managementUrl } = servers;
  const management = managementUrl ? { RABBITMQ_MANAGEMENT_URL: managementUrl } : {};
  /** The present settings. What `npm start` chose or made itself is used only if the user has set nothing else. */
  const settingsNow = (): Environment => {
    const given = readEnvironment(root);
    const all = { ...servers.urls, ...management, ...simulator, ...secrets, ...given };
    return given.JWT_JWKS_URL ? { ...all, JWT_SECRET: given.JWT_SECRET } : all;
  };
  const all = settingsNow();
  writeAddresses(dataDir, all);

  const starting = startMonitoring({ env: all, rabbitMqMetrics, dataDir, terminal });
  await buildPages();
  const done = terminal.doing('api and worker');
  const scripts: SupervisedScript[] = [];
  const onRestart = () => {
    sayWhatDiffers(scripts);
    void starting.then(({ useToken }) => useToken(settingsNow()));
  };
  for (const name of ['api', 'worker'] as const) {
    const file = `src/main/${name}.ts`;
    const script = { name, file, args: [], readEnv: settingsNow, root, dataDir, terminal, onRestart };
    scripts.push(await superviseScript(script));
    started.push(scripts.at(-1)!);
  }
  const accounts = env.NODE_ENV === 'production' || env.JWT_JWKS_URL ? undefined : demoAccounts(dataDir);
  await Promise.all([
    ...scripts.map(ready),
    ...Object.values(accounts ?? {}).map((account) => makeAccount(account, { root, env: all })),
  ]);
  done();
  for (const script of scripts) {
    const { name } = script;
    watches.push(watchHealth({ name, baseUrl: () => baseUrlOf(script.env, `${name.toUpperCase()}_PORT`), terminal }));
  }
  const monitoring = await starting;
  writeAddresses(dataDir, { ...all, PROMETHEUS_URL: monitoring.prometheusUrl });
  for (const server of monitoring.started)
    started.push(superviseServer({ ...server, meanwhile: 'something is not measured' }, terminal));
  terminal.say(banner({ env: all, accounts, managementUrl, monitoring, simulated: simulator !== undefined, dataDir }));
}

/** Api and worker must agree on some settings. So the user is told of a change that only one of them has. */
function sayWhatDiffers(scripts: SupervisedScript[]): void {
  const [one, other] = scripts;
  const apart = changedNames(one!.env, other!.env);
  if (apart.length > 0) {
    terminal.problem(
      `api and worker now run with different values of ${apart.join(', ')}. Ctrl-C and npm start give both the new ones.`,
    );
  }
}

async function startServers(env: Environment): Promise<FoundServers> {
  const servers = await findServers({ env, root, dataDir, terminal });
  for (const server of servers.started)
    started.push(superviseServer({ ...server, meanwhile: 'questions are answered with 503' }, terminal));
  return servers;
}

/** The simulator's address; undefined if a real model answers. */
async function startSimulator(env: Environment): Promise<{ MODEL_SIMULATOR_URL: string } | undefined> {
  if (env.OPENAI_API_KEY || env.NODE_ENV === 'production') return undefined;
  if (env.MODEL_SIMULATOR_URL) return { MODEL_SIMULATOR_URL: env.MODEL_SIMULATOR_URL };
  const done = terminal.doing('model simulator (there is no OPENAI_API_KEY)');
  const port = await freePort();
  const simulator = await superviseScript({
    name: 'simulator',
    file: 'tools/simulator/main.ts',
    args: ['--port', String(port)],
    readEnv: () => env,
    root,
    dataDir,
    terminal,
  });
  simulator.works();
  started.push(simulator);
  done();
  return { MODEL_SIMULATOR_URL: `http://127.0.0.1:${port}/v1` };
}

async function ready(script: SupervisedScript): Promise<void> {
  const { name, env } = script;
  const url = `${baseUrlOf(env, `${name.toUpperCase()}_PORT`)}/health/ready`;
  await until(READY_TIMEOUT_MS, `${name} to be ready; see ${join(dataDir, 'logs', `${name}.log`)}`, async () => {
    if (script.gaveUp()) throw new Error(`${name} cannot start: ${script.gaveUp()}`);
    const response = await fetch(url).catch(() => undefined);
    return response?.ok;
  });
  script.works();
}

function stop(signal: NodeJS.Signals): void {
  if (stopping) {
    if (signal === 'SIGINT') process.exit(1);
    return;
  }
  terminal.say('\nStopping: requests in hand are finished first. Ctrl-C once more ends it at once.');
  stopping = stopAll().then(() => {
    terminal.say('Stopped. The data stays where it is.');
    process.exit(0);
  });
}

/**
 * npm does not pass on the signal that ends it. So we check whether our parent is still the same process, and stop if
 * it is not.
 */
function stopWithNpm(): void {
  const npm = process.ppid;
  if (process.env.npm_lifecycle_event !== 'start') return;
  setInterval(() => process.ppid !== npm && stop('SIGTERM'), PARENT_POLL_MS).unref();
}

/** Stops everything in the opposite order of the starts. Api and worker are stopped at the same time. */
async function stopAll(): Promise<void> {
  for (const watch of watches) watch.stop();
  const scripts = started.filter(({ name }) => name === 'api' || name === 'worker');
  await Promise.all(scripts.map((each) => each.stop()));
  for (const each of started.reverse()) if (!scripts.includes(each)) await each.stop();
}
