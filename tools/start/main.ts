import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../services/free-port.ts';
import { demoAccounts, makeAccount } from './accounts.ts';
import { banner } from './banner.ts';
import { type Environment, jwtSecret, messageSigningKey, readEnvironment, writeUrls } from './environment.ts';
import { lockDataDir } from './lock.ts';
import { refuseTakenPorts } from './ports.ts';
import { findServers } from './servers.ts';
import { type Supervised, superviseScript, superviseServer } from './supervise.ts';
import { createTerminal } from './terminal.ts';
import { until } from './until.ts';

const HELP = `Runs the whole product on this machine: RabbitMQ, Redis, api and worker.

  npm start
  npm start -- --verbose        every log line on the terminal, not only warnings and errors
  npm start -- --data DIR       keep data, logs and secrets in DIR instead of .data

Settings come from the environment, then from .env; .env.example lists them all. RabbitMQ and Redis are, in this order:
those of RABBITMQ_URL and REDIS_URL; the installed rabbitmq-server and redis-server, run privately with their data in
.data; those of docker-compose.yml; installed by apt first. Without OPENAI_API_KEY a model simulator answers.

Ctrl-C stops everything that was started here. The next start finds its data again.
`;

const READY_TIMEOUT_MS = 60_000;

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
const terminal = createTerminal({ verbose: values.verbose });
/** What was started, to be stopped in the opposite order. */
const started: Supervised[] = [];
let stopping: Promise<void> | undefined;

process.on('SIGINT', () => stop('SIGINT'));
process.on('SIGTERM', () => stop('SIGTERM'));

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

  const [servers, simulatorUrl] = await Promise.all([startServers(env), startSimulator(env)]);
  const all: Environment = {
    ...env,
    ...servers,
    ...(simulatorUrl && { MODEL_SIMULATOR_URL: simulatorUrl }),
    JWT_SECRET: env.JWT_SECRET || env.JWT_JWKS_URL ? env.JWT_SECRET : jwtSecret(dataDir),
    MESSAGE_SIGNING_KEY: env.MESSAGE_SIGNING_KEY ?? messageSigningKey(dataDir),
  };
  writeUrls(dataDir, all);

  const done = terminal.doing('api and worker');
  for (const name of ['api', 'worker'] as const) {
    const file = `src/main/${name}.ts`;
    started.push(await superviseScript({ name, file, args: [], env: all, root, dataDir, terminal }));
  }
  const accounts = env.NODE_ENV === 'production' || env.JWT_JWKS_URL ? undefined : demoAccounts(dataDir);
  await Promise.all([
    ...(['API', 'WORKER'] as const).map((name) => ready(name.toLowerCase(), env[`${name}_PORT`]!)),
    ...Object.values(accounts ?? {}).map((account) => makeAccount(account, { root, env: all })),
  ]);
  done();
  terminal.say(banner({ env: all, accounts, simulated: simulatorUrl !== undefined, dataDir }));
}

async function startServers(env: Environment): Promise<Record<'RABBITMQ_URL' | 'REDIS_URL', string>> {
  const servers = await findServers({ env, root, dataDir, terminal });
  for (const server of servers.started) started.push(superviseServer(server, terminal));
  return servers.urls;
}

async function startSimulator(env: Environment): Promise<string | undefined> {
  if (env.OPENAI_API_KEY || env.NODE_ENV === 'production') return undefined;
  if (env.MODEL_SIMULATOR_URL) return env.MODEL_SIMULATOR_URL;
  const done = terminal.doing('model simulator (there is no OPENAI_API_KEY)');
  const port = await freePort();
  const file = 'tools/simulator/main.ts';
  const args = ['--port', String(port)];
  started.push(await superviseScript({ name: 'simulator', file, args, env, root, dataDir, terminal }));
  done();
  return `http://127.0.0.1:${port}/v1`;
}

async function ready(name: string, port: string): Promise<void> {
  const process = started.find((each) => each.name === name);
  await until(READY_TIMEOUT_MS, `${name} to be ready; see ${join(dataDir, 'logs', `${name}.log`)}`, async () => {
    if (process?.gaveUp()) throw new Error(`${name} cannot start:\n${process.gaveUp()}`);
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    return response?.ok;
  });
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

/** What was started last is stopped first; api and worker together. */
async function stopAll(): Promise<void> {
  const scripts = started.filter(({ name }) => name === 'api' || name === 'worker');
  await Promise.all(scripts.map((each) => each.stop()));
  for (const each of started.reverse()) if (!scripts.includes(each)) await each.stop();
}
