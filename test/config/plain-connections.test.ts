import { expect, test } from '@jest/globals';
import { loadApiConfig, loadWorkerConfig } from '../../src/config/load.ts';
import { plainConnectionProblems } from '../../src/config/plain-connections.ts';
import type { Reader, Setting } from '../../src/config/setting.ts';
import { settings } from '../../src/config/settings.ts';
import { ConfigError } from '../../src/contracts/errors.ts';

const hostsIn = (url: string, allowed: string[] = []) => {
  const [problem] = plainConnectionProblems({ A_URL: [url] }, allowed);
  return problem === undefined ? undefined : /^A_URL leads to (.*) without TLS/.exec(problem)?.[1];
};

test.each([
  ['amqp://u:p@rabbit:5672/v', 'rabbit'],
  ['amqp://u:p%40x@a:1,amqp://u:p%40x@b:1', 'a, b'],
  ['redis://:p@10.0.0.1', '10.0.0.1'],
  ['redis+sentinel://u:p@a:26379,b:26379/main/0', 'a, b'],
  ['mongodb://u:p@a:1,b:2/healify?replicaSet=rs0', 'a, b'],
  ['http://models.internal/v1?tls=true', 'models.internal'],
  ['redis://cache:6379?tls=true', 'cache'],
  ['http://[2001:db8::1]:80/v1', '[2001:db8::1]'],
  ['http://localhost.example.com/', 'localhost.example.com'],
  ['http://user@127.0.0.1@evil.example/', 'evil.example'],
  ['HTTP://models.internal/v1', 'models.internal'],
  [' AMQP://u:p@rabbit:5672', 'rabbit'],
  ['http:models.internal/v1', 'models.internal'],
  ['http:\\\\models.internal\\v1', 'models.internal'],
  ['mongodb://a/healify?tls=false&tlsCAFile=tls=true', 'a'],
  ['mongodb+srv://u:p@cluster.example/healify?tls=false', 'cluster.example'],
  ['mongodb+srv://u:p@cluster.example/healify?retryWrites=true&ssl=false', 'cluster.example'],
])('%s leads away in plain text: to %s', (url, hosts) => {
  expect(hostsIn(url)).toBe(hosts);
});

test.each([
  'amqps://u:p@rabbit:5671/v',
  'rediss://redis',
  'rediss+cluster://a:1,b:2',
  'mongodb+srv://u:p@cluster.example/healify',
  'mongodb+srv://u:p@cluster.example/healify?tls=true',
  'mongodb://a:1,b:2/healify?replicaSet=rs0&tls=true',
  'mongodb://a/healify?ssl=true&authSource=admin',
  'https://api.openai.com/v1',
  'amqp://u:p@localhost',
  'redis://127.0.0.1:6379',
  'http://[::1]:80/',
  '',
])('%s is no such connection', (url) => {
  expect(hostsIn(url)).toBeUndefined();
});

test('a host that is named may be reached, others not; * names all', () => {
  expect(hostsIn('mongodb://a,b/healify', ['b'])).toBe('a');
  expect(hostsIn('mongodb://a,b/healify', ['*'])).toBeUndefined();
});

const FALLBACKS = JSON.stringify([
  { name: 'b', baseUrl: 'http://elsewhere/v1', model: 'm', apiKeyEnv: 'OPENAI_API_KEY' },
]);
/** An address without TLS of each kind that a setting may want. */
const PLAIN_ADDRESSES = [
  'http://u:secret@elsewhere:1/path',
  'http://elsewhere/{traceId}',
  'amqp://u:secret@elsewhere:1/vhost',
  'redis://u:secret@elsewhere:1',
  'mongodb://u:secret@elsewhere:1/healify',
  'smtp://u:secret@elsewhere:1',
  FALLBACKS,
];

/** Settings to which no process of ours connects. */
const NO_CONNECTIONS = {
  DASHBOARDS_URL: 'a browser opens it',
  TRACE_URL: 'a browser opens it',
  LOGS_BY_TRACE_URL: 'a browser opens it',
  MODEL_SIMULATOR_URL: 'it is not used in production',
};
/** Nothing is sent to it before STARTTLS: test/adapters/mail/smtp-outbox.test.ts. */
const ALWAYS_TLS = ['SMTP_URL'];

const all = Object.values(settings).flatMap((group) => Object.values<Setting>(group));
/** Settings that take one of these want something else than an address. */
const NO_ADDRESSES = ['a text', `k1:${'A'.repeat(43)}`];
/** The first address that the setting takes; undefined if it wants something else. */
function addressFor({ type }: Setting): string | undefined {
  const takes = (text: string) => type.safeParse(text).success;
  return NO_ADDRESSES.some(takes) ? undefined : PLAIN_ADDRESSES.find(takes);
}
const addresses = all.flatMap((setting) => {
  const address = addressFor(setting);
  return address === undefined ? [] : [{ setting, address }];
});

const SECRET = 'a secret of at least thirty-two bytes';
const enough = {
  NODE_ENV: 'production',
  RABBITMQ_URL: 'amqps://u:p@rabbit',
  REDIS_URL: 'rediss://redis',
  MESSAGE_SIGNING_KEY: SECRET,
  JWT_SECRET: SECRET,
  OPENAI_API_KEY: 'key',
  MAIL_FROM: 'a@example.com',
  PUBLIC_URL: 'https://chat.example.com',
  OIDC_CLIENT_ID: 'client',
};
const loaders = { api: loadApiConfig, worker: loadWorkerConfig };

function problemsOf(reader: Reader, more: Record<string, string>): readonly string[] {
  try {
    loaders[reader]({ ...enough, ...more });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('each setting that takes an address is one to connect to, or known not to be', () => {
  const connects = all.filter(({ connects }) => connects).map(({ env }) => env);
  expect(addresses.map(({ setting }) => setting.env).toSorted()).toEqual(
    [...connects, ...Object.keys(NO_CONNECTIONS)].toSorted(),
  );
  // Those whose value is a text of any form are not found in this way.
  const byUnit = all.filter(({ unit }) => /URL|address/.test(unit)).map(({ env }) => env);
  const known = [...connects, ...Object.keys(NO_CONNECTIONS), 'MAIL_FROM', 'HOST', 'METRICS_HOST'];
  expect(byUnit.filter((env) => !known.includes(env))).toEqual([]);
});

const refused = addresses
  .filter(({ setting }) => setting.connects && !ALWAYS_TLS.includes(setting.env))
  .flatMap(({ setting, address }) => setting.readBy.map((reader) => ({ env: setting.env, reader, address })));
const ofPackages = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http_proxy', 'https_proxy'].flatMap((env) =>
  (['api', 'worker'] as const).map((reader) => ({ env, reader, address: 'http://u:secret@elsewhere:1/path' })),
);

test.each([...refused, ...ofPackages])('in production the $reader refuses a plain $env', ({ env, reader, address }) => {
  expect(problemsOf(reader, {})).toEqual([]);
  const [problem, ...others] = problemsOf(reader, { [env]: address });
  expect(problem).toMatch(new RegExp(`^${env} leads to elsewhere without TLS`));
  expect(problem).not.toContain('secret');
  expect(others).toEqual([]);
  for (const allowed of [{ PLAINTEXT_HOSTS: 'elsewhere' }, { PLAINTEXT_HOSTS: '*' }, { NODE_ENV: 'development' }])
    expect(problemsOf(reader, { [env]: address, ...allowed })).toEqual([]);
  expect(problemsOf(reader, { [env]: address.replace('elsewhere', 'localhost') })).toEqual([]);
});
