import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../tools/services/guarded-process.ts';
import { clientLimit, MESSAGE_SIGNING_KEY, PROFILING } from './contenders.ts';
import type { Servers } from './servers.ts';

/** Something that takes questions over HTTP, at `POST /chat/send`. */
export interface Asked {
  url: string;
  /** Sent with each question. */
  headers: Record<string, string>;
  stop(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '..');
const AT_ONCE = 200;

/**
 * An api and a worker as they run in production, and a user who is logged in.
 * @param settings in addition to those of all runs
 */
export async function startProduct(servers: Servers, settings: Record<string, string> = {}): Promise<Asked> {
  const port = await freePort();
  const env = {
    ...environment(servers, port),
    REDIS_URL: servers.redisUrl,
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    MODEL_SIMULATOR_URL: servers.modelUrl,
    API_METRICS_PORT: '0',
    WORKER_PORT: '0',
    WORKER_METRICS_PORT: '0',
    WORKER_CONCURRENCY: String(AT_ONCE),
    RATE_SEND_PER_MINUTE: '1000000',
    ...settings,
  };
  const start = (name: 'api' | 'worker') =>
    startGuarded(process.execPath, [...PROFILING, join(ROOT, `src/main/${name}.ts`)], { env });
  const asked = await whenReady(port, await Promise.all([start('api'), start('worker')]));
  return { ...asked, headers: { authorization: `Bearer ${await signUp(asked.url)}`, prefer: 'wait=60' } };
}

/** Passes a question to the model and its answer back. Does nothing else. */
export async function startLimit(servers: Servers): Promise<Asked> {
  const port = await freePort();
  const relay = startGuarded(process.execPath, [...PROFILING, join(ROOT, 'bench/limits/relay.ts')], {
    env: environment(servers, port),
  });
  const consumer = clientLimit.start(servers, { model: 'http', concurrency: AT_ONCE });
  return await whenReady(port, await Promise.all([relay, consumer]));
}

const environment = ({ rabbitMqUrl }: Servers, port: number) => ({
  PATH: process.env.PATH,
  NODE_ENV: 'test',
  MESSAGE_SIGNING_KEY,
  RABBITMQ_URL: rabbitMqUrl,
  API_PORT: String(port),
});

async function whenReady(port: number, processes: GuardedProcess[]): Promise<Asked> {
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health/ready`).catch(() => undefined))?.ok) {
    if (processes.some((child) => !child.running)) throw new Error(processes.map((child) => child.output()).join('\n'));
    await sleep(100);
  }
  return { url, headers: {}, stop: async () => void (await Promise.all(processes.map((child) => child.stop()))) };
}

/** Registers a user. Returns the access token. */
async function signUp(url: string): Promise<string> {
  const password = randomUUID();
  const post = async (path: string) => {
    const body = JSON.stringify({ email: 'bench@example.com', password });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path} gave ${response.status}: ${text}`);
    return JSON.parse(text) as { accessToken?: string };
  };
  await post('/auth/register');
  return (await post('/auth/login')).accessToken!;
}
