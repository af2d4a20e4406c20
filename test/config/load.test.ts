import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadApiConfig, loadWorkerConfig } from '../../src/config/load.ts';
import type { Setting } from '../../src/config/setting.ts';
import { settings } from '../../src/config/settings.ts';
import { ConfigError } from '../../src/contracts/errors.ts';

const servers = {
  RABBITMQ_URL: 'amqps://u:p@rabbit/vhost',
  REDIS_URL: 'rediss://:p@redis:6379',
  MESSAGE_SIGNING_KEY: 'a signing key of at least thirty-two bytes',
};
const problemsOf = (load: (env: Record<string, string>) => unknown, env: Record<string, string>): string[] => {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

test.each(Object.values(settings).flatMap((group) => Object.entries<Setting>(group)))(
  'a search for the field %s and a search for its variable find the same setting',
  (field, { env, unit }) => {
    const camelCase = env.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    expect(field).toBe(unit === 'duration' ? `${camelCase}Ms` : camelCase);
  },
);

test('defaults serve where nothing is set, and durations are milliseconds', () => {
  const config = loadApiConfig({ ...servers, NODE_ENV: 'development' });
  expect(config).toMatchObject({ apiPort: 3000, requestDeadlineMs: 900_000, historyRetentionMs: 90 * 24 * 3_600_000 });
});

test('all that is wrong is told at once, by the name of the setting', () => {
  const problems = problemsOf(loadApiConfig, {
    RABBITMQ_URL: 'http://rabbit',
    API_PORT: '99999',
    REQUEST_DEADLINE: 'soon',
    JWT_SECRET: 'short',
    LOG_LEVEL: 'loud',
  });
  for (const name of ['RABBITMQ_URL', 'REDIS_URL', 'API_PORT', 'REQUEST_DEADLINE', 'JWT_SECRET', 'LOG_LEVEL']) {
    expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
  }
});

test('no secret is repeated in what is wrong', () => {
  const problems = problemsOf(loadApiConfig, { ...servers, REDIS_URL: 'http://:pass-word@redis', JWT_SECRET: 'hush' });
  expect(problems.join()).not.toMatch(/pass-word|hush/);
});

test('a secret may stand in a file, which counts before the variable, and whose line break is no part of it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'healify-secret-'));
  const inFile = (name: string, value: string) => {
    writeFileSync(join(dir, name), `${value}\n`);
    return { [`${name}_FILE`]: join(dir, name) };
  };
  const files = {
    ...inFile('RABBITMQ_URL', 'amqps://u:from-file@rabbit'),
    ...inFile('REDIS_URL', 'rediss://:from-file@redis'),
    ...inFile('CACHE_REDIS_URL', 'rediss://:from-file@cache'),
    ...inFile('MESSAGE_SIGNING_KEY', 'k'.repeat(40)),
    ...inFile('JWT_SECRET', 'j'.repeat(40)),
    ...inFile('OPENAI_API_KEY', 'sk-from-file'),
    // The key of a fallback, whose variable MODEL_FALLBACKS names.
    ...inFile('OTHER_KEY', 'sk-other'),
    MODEL_FALLBACKS: '[{"name":"other","baseUrl":"https://other.example/v1","model":"m","apiKeyEnv":"OTHER_KEY"}]',
  };
  const common = {
    rabbitmqUrl: 'amqps://u:from-file@rabbit',
    redisUrl: 'rediss://:from-file@redis',
    cacheRedisUrl: 'rediss://:from-file@cache',
    messageSigningKey: ['k'.repeat(40)],
  };
  expect(loadApiConfig({ ...files, ...servers })).toMatchObject({ ...common, jwtSecret: ['j'.repeat(40)] });
  expect(loadWorkerConfig(files)).toMatchObject({ ...common, openaiApiKey: 'sk-from-file' });
  rmSync(dir, { recursive: true });
  const problems = problemsOf(loadWorkerConfig, { ...files, ...servers });
  expect(problems).toContain('OPENAI_API_KEY_FILE must be the path of a file that can be read (ENOENT)');
  const noSuchFile = { ...servers, MESSAGE_SIGNING_KEY: 'k'.repeat(40), OPENAI_API_KEY: 'sk', NODE_ENV: 'test' };
  const { OTHER_KEY_FILE, MODEL_FALLBACKS } = files as Record<string, string>;
  expect(
    problemsOf(loadWorkerConfig, {
      ...noSuchFile,
      OTHER_KEY_FILE: OTHER_KEY_FILE!,
      MODEL_FALLBACKS: MODEL_FALLBACKS!,
    }),
  ).toEqual(['OTHER_KEY_FILE must be the path of a file that can be read (ENOENT)']);
});

test('an address that names a user and no password gets the password of its own variable, which may be a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'healify-password-'));
  const file = join(dir, 'password');
  // As an editor of Windows writes it.
  writeFileSync(file, '\uFEFFp@ss/w:rd\r\n');
  const config = loadApiConfig({
    ...servers,
    NODE_ENV: 'test',
    RABBITMQ_URL: 'amqps://u@a/v,amqps://u@b/v',
    RABBITMQ_PASSWORD_FILE: file,
    REDIS_URL: 'rediss+cluster://u@a:1,b:2',
    REDIS_PASSWORD: 'r',
    CACHE_REDIS_URL: 'rediss://u:own@cache',
    CACHE_REDIS_PASSWORD: 'unused',
    MONGODB_URL: 'mongodb://u@a,b/healify?tls=true',
    MONGODB_PASSWORD_FILE: file,
  });
  rmSync(dir, { recursive: true });
  expect(config).toMatchObject({
    rabbitmqUrl: 'amqps://u:p%40ss%2Fw%3Ard@a/v,amqps://u:p%40ss%2Fw%3Ard@b/v',
    redisUrl: 'rediss+cluster://u:r@a:1,b:2',
    cacheRedisUrl: 'rediss://u:own@cache',
    mongodbUrl: 'mongodb://u:p%40ss%2Fw%3Ard@a,b/healify?tls=true',
  });
});

test('an empty value counts as absent', () => {
  expect(loadApiConfig({ ...servers, NODE_ENV: 'test', API_PORT: '', CACHE_REDIS_URL: '' })).toMatchObject({
    apiPort: 3000,
    cacheRedisUrl: undefined,
  });
});

test('in production a secret for tokens and a key for the model must be there', () => {
  expect(problemsOf(loadApiConfig, servers)).toEqual([expect.stringMatching(/^JWT_SECRET is required in production/)]);
  expect(problemsOf(loadApiConfig, { ...servers, JWT_JWKS_URL: 'https://id.example.com/keys' })).toEqual([]);
  expect(problemsOf(loadWorkerConfig, { ...servers, MODEL_SIMULATOR_URL: 'http://localhost:1/v1' })).toEqual([
    expect.stringMatching(/^OPENAI_API_KEY is required in production/),
  ]);
});

test('TLS, passwords and a Redis of its own for the cache are taken', () => {
  const config = loadWorkerConfig({
    RABBITMQ_URL: 'amqps://user:p%40ss@rabbit:5671/prod',
    REDIS_URL: 'rediss://user:p%40ss@redis:6380/1',
    CACHE_REDIS_URL: 'rediss://cache:6379',
    OPENAI_API_KEY: 'sk-x',
    MESSAGE_SIGNING_KEY: servers.MESSAGE_SIGNING_KEY,
  });
  expect(config.cacheRedisUrl).toBe('rediss://cache:6379');
});

test('a key to sign answers with is required, unless answers without a signature are accepted', () => {
  const { MESSAGE_SIGNING_KEY: key, ...without } = servers;
  const api = { ...without, NODE_ENV: 'test' };
  const worker = { ...without, OPENAI_API_KEY: 'sk-x' };
  for (const problems of [problemsOf(loadApiConfig, api), problemsOf(loadWorkerConfig, worker)]) {
    expect(problems).toEqual([expect.stringMatching(/^MESSAGE_SIGNING_KEY is required.*openssl rand/)]);
  }
  expect(problemsOf(loadApiConfig, { ...api, ACCEPT_UNSIGNED_ANSWERS: 'true' })).toEqual([]);
  expect(loadApiConfig({ ...api, MESSAGE_SIGNING_KEY: `${key}, ${key}-2` }).messageSigningKey).toEqual([
    key,
    `${key}-2`,
  ]);
});

test('a signing key that can be guessed is refused: a short one, and in production the one of docker-compose.yml', () => {
  const compose = readFileSync(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
  const known = /MESSAGE_SIGNING_KEY:-([^}]+)\}/.exec(compose)?.[1] ?? '';
  expect(known.length).toBeGreaterThanOrEqual(32);
  const worker = { ...servers, OPENAI_API_KEY: 'sk-x' };
  for (const key of ['short', `${servers.MESSAGE_SIGNING_KEY},short`, known]) {
    const problems = problemsOf(loadWorkerConfig, { ...worker, MESSAGE_SIGNING_KEY: key });
    expect(problems).toEqual([expect.stringMatching(/^MESSAGE_SIGNING_KEY /)]);
  }
  expect(problemsOf(loadWorkerConfig, { ...worker, NODE_ENV: 'development', MESSAGE_SIGNING_KEY: known })).toEqual([]);
});

const api = { ...servers, NODE_ENV: 'test', MESSAGE_SIGNING_KEY: 'k'.repeat(32) };

test.each([
  ['', []],
  ['https://app.example.com', ['https://app.example.com']],
  ['https://app.example.com, http://localhost:5173', ['https://app.example.com', 'http://localhost:5173']],
  ['capacitor://localhost,ionic://localhost', ['capacitor://localhost', 'ionic://localhost']],
  ['*', ['*']],
])('pages of these origins may be let in: %s', (text, origins) => {
  expect(loadApiConfig({ ...api, CORS_ORIGINS: text }).corsOrigins).toEqual(origins);
});

test.each([
  'https://app.example.com/',
  'https://app.example.com/path',
  'https://App.example.com',
  'https://app.example.com:443',
  'https://*.example.com',
  'app.example.com',
  'null',
  '*, https://app.example.com',
  'https://user@app.example.com',
])('an origin that no browser would send is refused at the start: %s', (text) => {
  expect(problemsOf(loadApiConfig, { ...api, CORS_ORIGINS: text })).toEqual([
    expect.stringMatching(/^CORS_ORIGINS must be origins as browsers write them/),
  ]);
});

test.each([
  ['', ''],
  ['/', ''],
  ['/healify', '/healify'],
  ['/apps/healify/', '/apps/healify'],
])('the path prefix %j is taken as %j', (text, prefix) => {
  expect(loadApiConfig({ ...api, BASE_PATH: text }).basePath).toBe(prefix);
});

test.each(['healify', '//evil.example', '/a b', '/a?b', '/a"b', '/a/../b', 'https://example.com/healify'])(
  'the path prefix %j is refused at the start',
  (text) => {
    expect(problemsOf(loadApiConfig, { ...api, BASE_PATH: text })).toEqual([
      expect.stringMatching(/^BASE_PATH must be/),
    ]);
  },
);

test('a token for the metrics is taken from a variable or from a file, not from both, and must not be easy to guess', () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-'));
  const file = join(folder, 'token');
  writeFileSync(file, 'a-token-of-some-length\n');
  expect(loadApiConfig({ ...api, METRICS_TOKEN_FILE: file }).metricsTokenFile).toBe('a-token-of-some-length');
  expect(loadApiConfig(api)).toMatchObject({ metricsToken: undefined, metricsHost: '127.0.0.1' });
  const problems = (more: object) => problemsOf(loadApiConfig, { ...api, ...more });
  expect(problems({ METRICS_TOKEN: 'another-token-of-some-length', METRICS_TOKEN_FILE: file })).toEqual([
    expect.stringMatching(/^METRICS_TOKEN and METRICS_TOKEN_FILE must not both/),
  ]);
  expect(problems({ METRICS_TOKEN: 'short' })).toEqual([expect.stringMatching(/^METRICS_TOKEN must have/)]);
  expect(problems({ METRICS_TOKEN: 'with a blank, and so on' })).toEqual([
    expect.stringMatching(/^METRICS_TOKEN must be/),
  ]);
  writeFileSync(file, 'short');
  expect(problems({ METRICS_TOKEN_FILE: file })).toEqual([expect.stringMatching(/^METRICS_TOKEN_FILE must have/)]);
  expect(problems({ METRICS_TOKEN_FILE: join(folder, 'none') })).toEqual([
    expect.stringMatching(/^METRICS_TOKEN_FILE must be the path of a file/),
  ]);
  rmSync(folder, { recursive: true });
});

test('the address of a trace must say where the id belongs', () => {
  const address = 'https://traces.example/trace/{traceId}?full';
  expect(loadApiConfig({ ...servers, NODE_ENV: 'test', TRACE_URL: address }).traceUrl).toBe(address);
  const wrong = { ...servers, NODE_ENV: 'test', TRACE_URL: 'https://traces.example/trace/' };
  expect(problemsOf(loadApiConfig, wrong)).toEqual([expect.stringContaining('{traceId}')]);
});

test('with several queues of jobs, finished requests are recognised for a day at least', () => {
  const of = (JOB_SHARDS: string, REDELIVERY_WINDOW: string) =>
    [loadApiConfig, loadWorkerConfig].flatMap((load) =>
      problemsOf(load, { ...servers, NODE_ENV: 'test', JOB_SHARDS, REDELIVERY_WINDOW }).filter((problem) =>
        problem.startsWith('REDELIVERY_WINDOW'),
      ),
    );
  expect(of('1', '1h')).toEqual([]);
  expect(of('4', '24h')).toEqual([]);
  expect(of('4', '23h')).toEqual(Array(2).fill('REDELIVERY_WINDOW must be 24h or longer with JOB_SHARDS'));
});

test('what a process publishes itself must be allowed by PUBLISHERS', () => {
  const of = (PUBLISHERS: string, RABBITMQ_URL = servers.RABBITMQ_URL) =>
    problemsOf(loadApiConfig, { ...servers, NODE_ENV: 'test', RABBITMQ_URL, PUBLISHERS });
  expect(of('u:*,crm:tenant-a/*')).toEqual([]);
  expect(of('u:tenant-b/*,crm:*')).toEqual(['PUBLISHERS must let the user of RABBITMQ_URL ask for everybody: add u:*']);
  expect(of('crm:*', 'amqps://rabbit/vhost')).toEqual(['PUBLISHERS needs a RABBITMQ_URL that names its user']);
  expect(of('u:*,crm')).toEqual([
    'PUBLISHERS must be pairs such as crm:tenant-a/* or app:*, separated by commas (not: crm)',
  ]);
});

test('a login at an identity provider says what it needs, and passwords are switched off only with it', () => {
  const problems = (env: Record<string, string>) =>
    problemsOf(loadApiConfig, { ...servers, NODE_ENV: 'development', ...env });
  const good = { OIDC_ISSUER: 'https://login.example', OIDC_CLIENT_ID: 'c', PUBLIC_URL: 'https://chat.example' };
  expect(problems(good)).toEqual([]);
  expect(problems({ ...good, PASSWORD_LOGIN: 'false', PUBLIC_URL: 'http://localhost:3000' })).toEqual([]);
  expect(problems({ PASSWORD_LOGIN: 'false' })).toEqual(['PASSWORD_LOGIN can be false only with OIDC_ISSUER']);
  expect(problems({ OIDC_ISSUER: 'https://login.example' })).toEqual([
    'OIDC_CLIENT_ID and PUBLIC_URL are required with OIDC_ISSUER',
  ]);
  expect(problems({ ...good, JWT_JWKS_URL: 'https://login.example/keys' })).toEqual([
    expect.stringMatching(/^OIDC_ISSUER and JWT_JWKS_URL must not both be set/),
  ]);
  expect(problems({ ...good, PUBLIC_URL: 'http://chat.example' })).toEqual([
    expect.stringMatching(/^PUBLIC_URL must be https/),
  ]);
  expect(problems({ ...good, OIDC_SCOPES: 'email' })).toEqual(['OIDC_SCOPES must have openid']);
});
