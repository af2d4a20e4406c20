import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { withCompileCache } from '../tools/services/compile-cache.ts';
import { freePort } from '../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../tools/services/guarded-process.ts';
import { MESSAGE_SIGNING_KEY } from './signing.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '..');
const started: GuardedProcess[] = [];

afterAll(async () => {
  await Promise.all(started.map((child) => child.kill()));
});

/** A process of ours, as it runs in production, and where it listens. */
export interface TestProcess extends GuardedProcess {
  readonly url: string;
  readonly metricsUrl: string;
}

/**
 * Starts a file with Node; it ends with the test file at the latest.
 * @param of the folder of the version whose file it is
 */
export async function startScript(
  file: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
  of = root,
): Promise<GuardedProcess> {
  const child = await startGuarded(process.execPath, [join(of, file), ...args], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      JEST_WORKER_ID: process.env.JEST_WORKER_ID,
      ...withCompileCache,
      ...env,
    },
    cwd: of,
  });
  started.push(child);
  return child;
}

/** The api, once it is ready. */
export const startApi = (env: Record<string, string>, of?: string) => startServer('api', env, of);

/** A worker, once it is ready. */
export const startWorker = (env: Record<string, string>, of?: string) => startServer('worker', env, of);

const TRIES = 3;
/** A start needs a second of CPU time, and one to MongoDB some more. Other tests may leave a process a tenth of a core. */
const START_TIMEOUT_MS = 90_000;

/** Between our choice of a free port and the start of the process, another program may take that port. */
async function startServer(name: 'api' | 'worker', env: Record<string, string>, of?: string): Promise<TestProcess> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnFreePorts(name, env, of);
    } catch (error) {
      if (tries === TRIES || !String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

async function startOnFreePorts(
  name: 'api' | 'worker',
  env: Record<string, string>,
  of?: string,
): Promise<TestProcess> {
  const prefix = name.toUpperCase();
  // A process may come back where another one was.
  const port = Number(env[`${prefix}_PORT`] ?? (await freePort()));
  const metricsPort = await freePort();
  const child = await startScript(
    `src/main/${name}.ts`,
    [],
    {
      HOST: '127.0.0.1',
      // On a slow machine a shorter timeout would publish a message twice, and tests that count messages would fail.
      PUBLISH_TIMEOUT: '60s',
      MESSAGE_SIGNING_KEY,
      // Most tests of what staff may do are not about how they log in.
      STAFF_SECOND_FACTOR: 'optional',
      [`${prefix}_PORT`]: String(port),
      [`${prefix}_METRICS_PORT`]: String(metricsPort),
      ...env,
    },
    of,
  );
  // Whoever starts it with TLS lets Node trust its authority.
  const scheme = env.TLS_CERT_FILE ? 'https' : 'http';
  const url = `${scheme}://127.0.0.1:${port}`;
  await until(
    `${name} is ready`,
    async () => {
      if (!child.running) throw new Error(`${name} ended:\n${child.output()}`);
      return await fetch(`${url}/health/ready`).then(
        (response) => response.ok,
        () => false,
      );
    },
    START_TIMEOUT_MS,
  ).catch((error: Error) => {
    if (child.running) error.message += `\nIt has said:\n${child.output()}`;
    throw error;
  });
  return Object.assign(child, { url, metricsUrl: `${scheme}://127.0.0.1:${metricsPort}/metrics` });
}

/** The model simulator as a process. */
export async function startSimulatorProcess(): Promise<GuardedProcess & { url: string }> {
  const child = await startScript('tools/simulator/main.ts');
  const url = await until('the simulator listens', () => /listening on (\S+)/.exec(child.output())?.[1]);
  return Object.assign(child, { url });
}
