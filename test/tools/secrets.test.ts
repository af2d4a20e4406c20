import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadApiConfig } from '../../src/config/load.ts';

const root = join(import.meta.dirname, '../..');
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'healify-secrets-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const run = () => execFileSync('node', [join(root, 'tools/secrets.mjs'), dir], { encoding: 'utf8' });
const env = () => parseEnv(readFileSync(join(dir, '.env'), 'utf8')) as Record<string, string>;

test('one command makes all secrets that production asks for, readable by their owner only, and shows none', () => {
  const said = run();
  const made = env();
  expect(Object.keys(made)).toEqual([
    'AUDIT_KEYS',
    'ENCRYPTION_KEYS',
    'GRAFANA_PASSWORD',
    'JWT_SECRET',
    'MESSAGE_SIGNING_KEY',
    'MONGODB_PASSWORD',
    'MONGODB_WORKER_PASSWORD',
    'RABBITMQ_API_PASSWORD',
    'RABBITMQ_PASSWORD',
    'RABBITMQ_WORKER_PASSWORD',
    'REDIS_API_PASSWORD',
    'REDIS_PASSWORD',
    'REDIS_WORKER_PASSWORD',
  ]);
  expect(new Set(Object.values(made)).size).toBe(13);
  for (const secret of Object.values(made)) {
    expect(said).not.toContain(secret);
    expect(encodeURIComponent(secret).replace('%3A', ':')).toBe(secret);
  }
  expect(statSync(join(dir, '.env')).mode & 0o777).toBe(0o600);
  const urls = {
    RABBITMQ_URL: `amqp://u:${made.RABBITMQ_API_PASSWORD}@r`,
    REDIS_URL: `redis://u:${made.REDIS_API_PASSWORD}@r`,
  };
  expect(loadApiConfig({ ...made, ...urls, NODE_ENV: 'production', PLAINTEXT_HOSTS: 'r' })).toMatchObject({
    nodeEnv: 'production',
  });
});

test('secrets that are set stay, empty ones are filled in, and a second run changes nothing', () => {
  writeFileSync(
    join(dir, '.env'),
    '# mine\nJWT_SECRET=own\nMESSAGE_SIGNING_KEY=\n# REDIS_PASSWORD=no\nLOG_LEVEL=debug',
  );
  run();
  const first = env();
  expect(first).toMatchObject({
    JWT_SECRET: 'own',
    LOG_LEVEL: 'debug',
    REDIS_PASSWORD: expect.stringMatching(/\S{40}/),
  });
  expect(first.MESSAGE_SIGNING_KEY).toMatch(/^\S{40}/);
  expect(run()).toContain('has all secrets already');
  expect(env()).toEqual(first);
});

const compose = [['docker-compose'], ['docker', 'compose']].find(
  ([command, ...args]) => spawnSync(command!, [...args, 'version']).status === 0,
);

(compose ? test : test.skip)(
  'docker-compose takes the secrets from .env: the same signing key for api and worker, and a password for each',
  () => {
    run();
    const [command, ...args] = [
      ...compose!,
      '-f',
      join(root, 'docker-compose.yml'),
      '--env-file',
      join(dir, '.env'),
      'config',
    ];
    const config = execFileSync(command!, args, { cwd: dir, encoding: 'utf8', env: { PATH: process.env.PATH } });
    const made = env();
    expect(config.split(made.MESSAGE_SIGNING_KEY!)).toHaveLength(3);
    for (const name of ['api', 'worker'] as const) {
      const [rabbitMq, redis] = ['RABBITMQ', 'REDIS'].map((server) => made[`${server}_${name.toUpperCase()}_PASSWORD`]);
      expect(config.split(`amqp://healify-${name}:${rabbitMq}@rabbitmq:5672`)).toHaveLength(2);
      expect(config.split(`redis://healify-${name}:${redis}@redis:6379`)).toHaveLength(2);
    }
  },
);
