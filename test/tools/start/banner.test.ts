import { expect, test } from '@jest/globals';
import { banner } from '../../../tools/start/banner.ts';

const env = {
  HOST: '127.0.0.1',
  API_PORT: '3000',
  WORKER_PORT: '3001',
  API_METRICS_PORT: '9464',
  WORKER_METRICS_PORT: '9465',
  RABBITMQ_URL: 'amqp://healify:pass%2Fword@127.0.0.1:5672',
  REDIS_URL: 'redis://:secret@redis.example:6379',
};
const accounts = {
  user: { email: 'demo@example.com', password: 'demo-password', role: 'user' },
  operator: { email: 'operator@example.com', password: 'operator-password', role: 'operator' },
  officer: { email: 'privacy@example.com', password: 'officer-password', role: 'privacy_officer' },
  admin: { email: 'admin@example.com', password: 'admin-password', role: 'admin' },
} as const;
const monitoring = { prometheusUrl: 'http://localhost:9090', alertmanagerUrl: 'http://localhost:9093' };
const given = { env, accounts, monitoring, simulated: true, dataDir: '/data' };

test('the banner has every address that an app developer needs, with the login of a RabbitMQ that npm start has made', () => {
  const text = banner({ ...given, managementUrl: 'http://healify:pass%2Fword@127.0.0.1:15672' });
  for (const part of [
    'http://localhost:3000/docs',
    'http://localhost:3000/asyncapi.json',
    'http://localhost:3000/admin ',
    'http://localhost:3000/admin/queues',
    'http://localhost:3001/health',
    'http://localhost:9464/metrics',
    'http://localhost:9090/alerts',
    'http://localhost:9093',
    'amqp://healify:pass%2Fword@127.0.0.1:5672',
    'http://127.0.0.1:15672 ',
    'log in as healify with pass/word',
    'redis.example:6379',
    'demo@example.com   demo-password',
    'operator@example.com   operator-password',
    'privacy@example.com   officer-password',
    'admin@example.com   admin-password',
    'curl -s http://localhost:3000/chat/send',
  ]) {
    expect(text).toContain(part);
  }
});

test('passwords of servers that the user has brought along are not shown', () => {
  const text = banner({ ...given, managementUrl: undefined });
  expect(text).toContain('amqp://healify:...@127.0.0.1:5672');
  expect(text).not.toMatch(/pass%2Fword|secret/);
});

test('an address that HOST names is the one that is shown', () => {
  expect(banner({ ...given, env: { ...env, HOST: '::1' }, managementUrl: undefined })).toContain(
    'http://localhost:3000',
  );
  expect(banner({ ...given, env: { ...env, HOST: '192.0.2.7' }, managementUrl: undefined })).toContain(
    'http://192.0.2.7:3000/docs',
  );
});

test('where Prometheus is not installed, the banner names the packages', () => {
  const text = banner({
    ...given,
    monitoring: { prometheusUrl: undefined, alertmanagerUrl: undefined },
    managementUrl: undefined,
  });
  expect(text).toMatch(/Prometheus +not installed; Debian: prometheus,/);
});
