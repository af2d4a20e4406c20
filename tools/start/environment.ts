import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { isLoopback } from '../../src/contracts/loopback.ts';

export type Environment = Record<string, string | undefined>;

/** Defaults of `npm start` only, for trying the product out on one machine. */
const DEFAULTS = {
  NODE_ENV: 'development',
  HOST: '127.0.0.1',
  API_PORT: '3000',
  WORKER_PORT: '3001',
  API_METRICS_PORT: '9464',
  WORKER_METRICS_PORT: '9465',
};

/**
 * Each variable comes from the environment, or from the present `.env`, or from the defaults, in this order. An empty
 * value counts as missing.
 */
export function readEnvironment(root: string): Environment {
  const env: Environment = { ...DEFAULTS, ...filled(readFile(join(root, '.env'))), ...filled(process.env) };
  // Whoever reads the terminal of this machine has the passwords, and would have the second factor as well.
  const isForTrying = env.NODE_ENV !== 'production' && isLoopback(addressOf(env.HOST ?? ''));
  return isForTrying ? { STAFF_SECOND_FACTOR: 'optional', ...env } : env;
}

/** Where the commands find the servers: in the environment, in `.env`, or in what `npm start` wrote last. */
export const readCommandEnvironment = (root: string, dataDir = join(root, '.data')): Environment => ({
  ...filled(readFile(join(dataDir, 'env'))),
  ...filled(readFile(join(root, '.env'))),
  ...filled(process.env),
});

/** What commands must know of the product that runs. */
const FOR_COMMANDS = [
  'RABBITMQ_URL',
  'REDIS_URL',
  'MONGODB_URL',
  'ENCRYPTION_KEYS',
  'AUDIT_KEYS',
  'MODEL_SIMULATOR_URL',
  'HOST',
  'API_PORT',
  'PROMETHEUS_URL',
];

/** Writes for the commands where everything is. */
export function writeAddresses(dataDir: string, env: Environment): void {
  const lines = FOR_COMMANDS.filter((name) => env[name]).map((name) => `${name}=${env[name]}\n`);
  writeFileSync(join(dataDir, 'env'), lines.join(''), { mode: 0o600 });
}

/** The names of the variables that differ, sorted. */
export function changedNames(before: Environment, after: Environment): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

/**
 * Secrets that all processes of an installation share. They are kept, so that signatures stay valid after a restart.
 */
export const keptSecrets = (dataDir: string) => ({
  JWT_SECRET: keep(join(dataDir, 'jwt-secret'), makeSecret),
  MESSAGE_SIGNING_KEY: keep(join(dataDir, 'message-signing-key'), makeSecret),
  ENCRYPTION_KEYS: keep(join(dataDir, 'encryption-keys'), makeEncryptionKey),
  AUDIT_KEYS: keep(join(dataDir, 'audit-keys'), makeSecret),
});

const makeSecret = () => randomBytes(48).toString('base64');
const makeEncryptionKey = () => `k1:${randomBytes(32).toString('base64')}`;

/** Reads a secret's file. The first call creates it, readable by its owner only. */
export function keep(file: string, make: () => string): string {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

/** `isLoopback` wants an IPv6 address in brackets. */
const addressOf = (host: string) => (host.includes(':') ? `[${host}]` : host);

const readFile = (file: string): Environment => (existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {});

const filled = (env: Environment): Environment =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
