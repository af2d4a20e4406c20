import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Environment = Record<string, string | undefined>;

/** Where nothing else is said: for trying out, and for this machine only. */
const DEFAULTS = {
  NODE_ENV: 'development',
  HOST: '127.0.0.1',
  API_PORT: '3000',
  WORKER_PORT: '3001',
  API_METRICS_PORT: '9464',
  WORKER_METRICS_PORT: '9465',
};

/** The environment, then `.env`, then defaults. An empty value counts as none. */
export function readEnvironment(root: string): Environment {
  const file = join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  const given = Object.entries(process.env).filter(([, value]) => value !== '');
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** Signs tokens; kept, so that a login outlives a restart. */
export const jwtSecret = (dataDir: string) =>
  keep(join(dataDir, 'jwt-secret'), () => randomBytes(48).toString('base64'));

/** Signs the answers of the workers; kept, because some may wait in RabbitMQ over a restart. */
export const messageSigningKey = (dataDir: string) =>
  keep(join(dataDir, 'message-signing-key'), () => randomBytes(48).toString('base64'));

/** Reads a secret's file; made at the first call, for its owner's eyes only. */
export function keep(file: string, make: () => string): string {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

/** For the command-line tools, which find the servers there. */
export function writeUrls(dataDir: string, { RABBITMQ_URL, REDIS_URL }: Environment): void {
  writeFileSync(join(dataDir, 'env'), `RABBITMQ_URL=${RABBITMQ_URL}\nREDIS_URL=${REDIS_URL}\n`, { mode: 0o600 });
}
