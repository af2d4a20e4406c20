import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadApiConfig, loadWorkerConfig } from '../../src/config/load.ts';

const root = join(import.meta.dirname, '../..');
let dir: string;
let secrets: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'healify-secrets-'));
  secrets = join(dir, 'deploy/secrets');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const run = () => execFileSync('node', [join(root, 'tools/secrets.mjs'), dir], { encoding: 'utf8' });
const made = () =>
  Object.fromEntries(readdirSync(secrets).map((name) => [name, readFileSync(join(secrets, name), 'utf8')]));
const servicesIn = (file: string) => parse(readFileSync(join(root, file), 'utf8'), { merge: true }).services;

test('one command makes all secrets that production asks for, in a folder for their owner only, and shows none', () => {
  const said = run();
  const files = made();
  expect(Object.keys(files).toSorted()).toEqual([
    'AUDIT_KEYS',
    'ENCRYPTION_KEYS',
    'GRAFANA_PASSWORD',
    'JWT_SECRET',
    'MESSAGE_SIGNING_KEY',
    'METRICS_TOKEN',
    'MONGODB_PASSWORD',
    'MONGODB_WORKER_PASSWORD',
    'RABBITMQ_API_PASSWORD',
    'RABBITMQ_PASSWORD',
    'RABBITMQ_WORKER_PASSWORD',
    'REDIS_API_PASSWORD',
    'REDIS_PASSWORD',
    'REDIS_WORKER_PASSWORD',
  ]);
  expect(new Set(Object.values(files)).size).toBe(14);
  for (const secret of Object.values(files)) {
    expect(said).not.toContain(secret);
    expect(secret).toMatch(/^(k1:)?[\w-]{43,}$/);
  }
  expect(said).toContain('Write the key of your model provider');
  expect(statSync(secrets).mode & 0o777).toBe(0o700);
});

test('secrets that are there stay, those of .env move into files, and a second run changes nothing', () => {
  writeFileSync(
    join(dir, '.env'),
    '# mine\nJWT_SECRET=own # it is\nexport AUDIT_KEYS="a, b"\nMESSAGE_SIGNING_KEY=\n# REDIS_PASSWORD=no\nOPENAI_API_KEY=sk\n',
  );
  mkdirSync(secrets, { recursive: true });
  writeFileSync(join(secrets, 'GRAFANA_PASSWORD'), 'known to me');
  expect(run()).toMatch(/Delete from \S+, because the files count: AUDIT_KEYS, JWT_SECRET, OPENAI_API_KEY\n/);
  const first = made();
  expect(first).toMatchObject({
    JWT_SECRET: 'own',
    AUDIT_KEYS: 'a, b',
    GRAFANA_PASSWORD: 'known to me',
    OPENAI_API_KEY: 'sk',
    REDIS_PASSWORD: expect.stringMatching(/^\S{40}/),
    MESSAGE_SIGNING_KEY: expect.stringMatching(/^\S{40}/),
  });
  expect(run()).toContain('has all secrets already');
  expect(made()).toEqual(first);
});

test('api and worker start in production with the files of docker-compose, and nothing secret is in their environment', () => {
  run();
  writeFileSync(join(secrets, 'OPENAI_API_KEY'), 'sk-1');
  const files = made();
  for (const file of ['docker-compose.production.yml', 'docker-compose.tls.yml']) {
    const withTls = file === 'docker-compose.tls.yml';
    const envOf = (process: 'api' | 'worker') => {
      const own = servicesIn('docker-compose.production.yml')[process];
      const all = { ...own.environment, ...(withTls && servicesIn(file)[process].environment) };
      for (const secret of Object.values(files)) expect(JSON.stringify(all)).not.toContain(secret);
      const named = Object.entries<string>(all).filter(
        ([name]) =>
          (name.endsWith('_FILE') && !/_(CA|CERT|KEY)_FILE$/.test(name)) ||
          /^(MESSAGE_SIGNING_KEY|OPENAI_API_KEY)_FILE$/.test(name),
      );
      // It sees each file that it reads, and no other.
      expect(named.map(([, path]) => path.replace('/run/secrets/', '')).toSorted()).toEqual(own.secrets.toSorted());
      const certificates = Object.keys(all).filter((name) => /_(CA|CERT)_FILE$|^TLS_KEY_FILE$/.test(name));
      return {
        ...all,
        ...Object.fromEntries(certificates.map((name) => [name, ''])),
        ...Object.fromEntries(named.map(([name, path]) => [name, path.replace('/run/secrets', secrets)])),
        PLAINTEXT_HOSTS: withTls ? '' : 'rabbitmq,redis,mongo',
      };
    };
    const [scheme, redisScheme, port] = withTls ? ['amqps', 'rediss', 5671] : ['amqp', 'redis', 5672];
    expect(loadApiConfig(envOf('api'))).toMatchObject({
      rabbitmqUrl: `${scheme}://healify-api:${files.RABBITMQ_API_PASSWORD}@rabbitmq:${port}`,
      redisUrl: `${redisScheme}://healify-api:${files.REDIS_API_PASSWORD}@redis:6379`,
      mongodbUrl: expect.stringContaining(`mongodb://healify:${files.MONGODB_PASSWORD}@mongo:27017/healify?`),
      jwtSecret: [files.JWT_SECRET],
      metricsTokenFile: files.METRICS_TOKEN,
    });
    expect(loadWorkerConfig(envOf('worker'))).toMatchObject({
      rabbitmqUrl: `${scheme}://healify-worker:${files.RABBITMQ_WORKER_PASSWORD}@rabbitmq:${port}`,
      redisUrl: `${redisScheme}://healify-worker:${files.REDIS_WORKER_PASSWORD}@redis:6379`,
      openaiApiKey: 'sk-1',
      encryptionKeys: [expect.objectContaining({ id: 'k1' })],
    });
  }
});

/** Runs a script of a container with our folders, and `docker-entrypoint.sh` that does nothing. */
function runInContainer(service: 'redis' | 'rabbitmq', env: Record<string, string>): void {
  const script = join(dir, 'start.sh');
  const text = readFileSync(join(root, 'deploy', service, 'start.sh'), 'utf8')
    .replaceAll('/tmp/', `${dir}/`)
    .replaceAll('/run/secrets', secrets)
    .replaceAll('/etc/healify', join(root, 'deploy', service));
  writeFileSync(script, text);
  writeFileSync(join(dir, 'docker-entrypoint.sh'), '#!/bin/sh\nenv >"$OUT"\n');
  chmodSync(join(dir, 'docker-entrypoint.sh'), 0o755);
  const PATH = `${dir}:${process.env.PATH}`;
  execFileSync('sh', [script], { env: { PATH, OUT: join(dir, 'env'), ...env } });
}
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('Redis takes the passwords of its users from the files, or else from the environment, and keeps none there', () => {
  run();
  const files = made();
  runInContainer('redis', { REDIS_PASSWORD: '', REDIS_API_PASSWORD: '', REDIS_WORKER_PASSWORD: '' });
  const users = () => readFileSync(join(dir, 'users.acl'), 'utf8');
  for (const name of ['REDIS_PASSWORD', 'REDIS_API_PASSWORD', 'REDIS_WORKER_PASSWORD'])
    expect(users()).toContain(`#${sha256(files[name]!)} `);
  rmSync(secrets, { recursive: true });
  runInContainer('redis', { REDIS_PASSWORD: 'o', REDIS_API_PASSWORD: 'a', REDIS_WORKER_PASSWORD: 'w' });
  for (const password of ['o', 'a', 'w']) expect(users()).toContain(`#${sha256(password)} `);
  expect(readFileSync(join(dir, 'env'), 'utf8')).not.toMatch(/_PASSWORD=/);
});

test('RabbitMQ takes the passwords of its users from the files, or else from the environment', () => {
  run();
  const files = made();
  const passwords = () =>
    JSON.parse(readFileSync(join(dir, 'definitions/1-users.json'), 'utf8')).users.map(
      ({ password }: { password: string }) => password,
    );
  runInContainer('rabbitmq', {});
  expect(passwords()).toEqual([files.RABBITMQ_PASSWORD, files.RABBITMQ_API_PASSWORD, files.RABBITMQ_WORKER_PASSWORD]);
  rmSync(secrets, { recursive: true });
  runInContainer('rabbitmq', { RABBITMQ_PASSWORD: 'o"', RABBITMQ_API_PASSWORD: 'a', RABBITMQ_WORKER_PASSWORD: 'w' });
  expect(passwords()).toEqual(['o"', 'a', 'w']);
});

test.each(['redis', 'rabbitmq'] as const)('%s does not start as long as a password is missing', (service) => {
  expect(() => runInContainer(service, {})).toThrow(`${service.toUpperCase()}_PASSWORD is missing`);
});

const compose = [['docker-compose'], ['docker', 'compose']].find(
  ([command, ...args]) => spawnSync(command!, [...args, 'version']).status === 0,
);

(compose ? test : test.skip)('docker-compose takes the three files together, and shows no secret', () => {
  run();
  const [command, ...args] = compose!;
  const given = ['docker-compose.yml', 'docker-compose.production.yml', 'docker-compose.tls.yml'];
  const config = execFileSync(command!, [...args, ...given.flatMap((file) => ['-f', join(root, file)]), 'config'], {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, SECRETS_DIR: secrets },
  });
  for (const name of Object.keys(made())) expect(config).toContain(join(secrets, name));
  for (const secret of Object.values(made())) expect(config).not.toContain(secret);
});
