import { expect, test } from '@jest/globals';
import { loadApiConfig, loadWorkerConfig } from '../../src/config/load.ts';
import { plainConnectionProblems } from '../../src/config/plain-connections.ts';
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
])('%s leads away in plain text: to %s', (url, hosts) => {
  expect(hostsIn(url)).toBe(hosts);
});

test.each([
  'amqps://u:p@rabbit:5671/v',
  'rediss://redis',
  'rediss+cluster://a:1,b:2',
  'mongodb+srv://u:p@cluster.example/healify',
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

const plain = {
  RABBITMQ_URL: 'amqp://u:secret-1@rabbit/vhost',
  REDIS_URL: 'redis://:secret-2@redis:6379',
  CACHE_REDIS_URL: 'redis://:secret-3@cache:6379',
  MONGODB_URL: 'mongodb://u:secret-4@mongo/healify',
  JWT_JWKS_URL: 'http://identity/keys',
  RABBITMQ_MANAGEMENT_URL: 'http://u:secret-5@rabbit:15672',
  OPENAI_BASE_URL: 'http://model/v1',
  OPENAI_API_KEY: 'key',
  MODEL_FALLBACKS: JSON.stringify([{ name: 'b', baseUrl: 'http://other/v1', model: 'm', apiKeyEnv: 'OPENAI_API_KEY' }]),
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  MESSAGE_SIGNING_KEY: 'a signing key of at least thirty-two bytes',
};

test.each([
  [
    'api',
    loadApiConfig,
    [
      'RABBITMQ_URL',
      'REDIS_URL',
      'CACHE_REDIS_URL',
      'MONGODB_URL',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'RABBITMQ_MANAGEMENT_URL',
      'JWT_JWKS_URL',
    ],
  ],
  [
    'worker',
    loadWorkerConfig,
    [
      'RABBITMQ_URL',
      'REDIS_URL',
      'CACHE_REDIS_URL',
      'MONGODB_URL',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'OPENAI_BASE_URL',
      'MODEL_FALLBACKS',
    ],
  ],
] as const)(
  'in production the %s refuses each of its plain connections, and quotes no password',
  (_, load, settings) => {
    const problemsOf = (more: Record<string, string>): readonly string[] => {
      try {
        load({ ...plain, ...more });
        return [];
      } catch (error) {
        if (error instanceof ConfigError) return error.problems;
        throw error;
      }
    };
    const problems = problemsOf({ NODE_ENV: 'production' });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(settings);
    expect(problems.join()).not.toMatch(/secret-/);
    expect(problemsOf({ NODE_ENV: 'production', PLAINTEXT_HOSTS: '*' })).toEqual([]);
    expect(problemsOf({ NODE_ENV: 'development' })).toEqual([]);
  },
);
