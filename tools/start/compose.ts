import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../services/free-port.ts';
import type { Service } from '../services/service.ts';
import type { Environment } from './environment.ts';
import { until } from './until.ts';

/** The name of our own compose project, so that we do not touch containers that the user started from the same file. */
const PROJECT = 'healify-chat-start';
const READY_TIMEOUT_MS = 180_000;

/** Returns `docker compose` or `docker-compose` if an engine can be reached, otherwise undefined. */
export function composeCommand(): string[] | undefined {
  if (spawnSync('docker', ['info'], { timeout: 10_000 }).status !== 0) return undefined;
  return [['docker', 'compose'], ['docker-compose']].find(
    ([command, ...args]) => spawnSync(command!, [...args, 'version']).status === 0,
  );
}

/** Starts one service of docker-compose.yml on a free port, and waits until it is healthy. */
export async function startComposeService(options: {
  compose: string[];
  service: 'rabbitmq' | 'redis';
  env: Environment;
  root: string;
}): Promise<Service> {
  const { compose, service, root } = options;
  const password = options.env[`${service.toUpperCase()}_PASSWORD`] ?? 'healify';
  const [port, managementPort] = [await freePort(), await freePort()];
  const env = {
    ...options.env,
    [`${service.toUpperCase()}_PORT`]: String(port),
    RABBITMQ_MANAGEMENT_PORT: String(managementPort),
  };
  const run = async (...args: string[]) => {
    const [command, ...first] = [...compose, '-p', PROJECT, ...args];
    const child = spawn(command!, first, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${compose.join(' ')} ${args.join(' ')} failed:\n${output.slice(-2000)}`);
    return output;
  };
  const start = async () => {
    await run('up', '-d', '--no-deps', service);
    const container = (await run('ps', '-q', service)).trim().split('\n').at(-1)!;
    await until(READY_TIMEOUT_MS, `the container of ${service}`, async () => {
      const { stdout } = spawnSync('docker', ['inspect', '--format', '{{.State.Health.Status}}', container]);
      return stdout?.toString().trim() === 'healthy';
    });
  };
  await start();
  const login = `${service === 'redis' ? '' : 'healify'}:${encodeURIComponent(password)}`;
  return {
    url: `${service === 'redis' ? 'redis' : 'amqp'}://${login}@127.0.0.1:${port}`,
    ...(service === 'rabbitmq' && { managementUrl: `http://${login}@127.0.0.1:${managementPort}` }),
    start,
    stop: async () => void (await run('stop', service)),
    kill: async () => void (await run('kill', service)),
  };
}
