import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { channelOf, useNamespace } from '../../src/adapters/redis/channels.ts';
import { INSTALLATION_KEY } from '../../src/contracts/redis-keys.ts';
import { virtualHostOf } from '../../src/main/installation.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { startApi, startScript, startWorker } from '../processes.ts';
import { privateRedis, testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let env: { REDIS_URL: string; RABBITMQ_URL: string };
beforeEach(async () => {
  env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
});

const COMMON = {
  JWT_SECRET: 'a secret of at least thirty-two bytes',
  ACCEPT_UNSIGNED_ANSWERS: 'true',
  HOST: '127.0.0.1',
  MODEL_SIMULATOR_URL: 'http://127.0.0.1:9',
};

/** What a process says when it does not start. */
async function refusalOf(name: 'api' | 'worker', settings: Record<string, string>): Promise<string> {
  const child = await startScript(`src/main/${name}.ts`, [], {
    ...COMMON,
    API_PORT: String(await freePort()),
    API_METRICS_PORT: String(await freePort()),
    WORKER_PORT: String(await freePort()),
    WORKER_METRICS_PORT: String(await freePort()),
    ...settings,
  });
  await until('it has ended', () => !child.running);
  const lines = child
    .output()
    .split('\n')
    .filter((line) => line.includes('"fatal"'));
  if (lines.length !== 1) throw new Error(child.output());
  return JSON.parse(lines[0]!).msg as string;
}

test('a process with another virtual host, or another namespace, does not start on a Redis that is taken', async () => {
  const first = await startWorker({ ...COMMON, ...env });
  await until('it is claimed', async () => (await claimed()) !== null);
  expect(await claimed()).toBe(JSON.stringify({ namespace: 'healify', virtualHost: virtualHostOf(env.RABBITMQ_URL) }));
  const otherHost = { ...env, RABBITMQ_URL: await testRabbitMqUrl() };
  for (const name of ['api', 'worker'] as const) {
    const refusal = await refusalOf(name, otherHost);
    expect(refusal).toContain(virtualHostOf(env.RABBITMQ_URL));
    expect(refusal).toContain(`DEL ${INSTALLATION_KEY}`);
    expect(await refusalOf(name, { ...env, NAMESPACE: 'other' })).toContain('"other"');
  }
  expect(first.running).toBe(true);
  // Processes of the same installation start.
  await startApi({ ...COMMON, ...env });

  async function claimed() {
    const redis = new Redis(env.REDIS_URL);
    return await redis.get(INSTALLATION_KEY).finally(() => redis.disconnect());
  }
});

test('a process that spreads jobs over another number of queues does not start', async () => {
  const redis = new Redis(env.REDIS_URL);
  cleanups.push(() => redis.disconnect());
  const virtualHost = virtualHostOf(env.RABBITMQ_URL);
  await redis.set(INSTALLATION_KEY, JSON.stringify({ namespace: 'healify', virtualHost, jobShards: 4 }));
  expect(await refusalOf('worker', env)).toContain('JOB_SHARDS=4');
  expect(await refusalOf('api', { ...env, JOB_SHARDS: '3' })).toContain('JOB_SHARDS=4');
  // An earlier version has claimed it, and knew one queue.
  await redis.set(INSTALLATION_KEY, JSON.stringify({ namespace: 'healify', virtualHost }));
  expect(await refusalOf('worker', { ...env, JOB_SHARDS: '4' })).toContain('JOB_SHARDS=1');
});

test('a process finds out whose a Redis is also if that was away as it started', async () => {
  const redis = new Redis(env.REDIS_URL);
  cleanups.push(() => redis.disconnect());
  await redis.set(INSTALLATION_KEY, JSON.stringify({ namespace: 'theirs', virtualHost: '/' }));
  const proxy = await startTcpProxy(env.REDIS_URL);
  cleanups.push(() => proxy.stop());
  proxy.cut();
  const refused = refusalOf('worker', { ...env, REDIS_URL: proxy.url });
  await until('it has tried', () => proxy.accepted > 1);
  proxy.open();
  expect(await refused).toContain('"theirs"');
});

test('a node of a Redis Cluster is named as what it is', async () => {
  const server = await privateRedis();
  cleanups.push(() => server.stop());
  const proxy = await startTcpProxy(server.url);
  cleanups.push(() => proxy.stop());
  proxy.rewrite((text) => text.replace('cluster_enabled:0', 'cluster_enabled:1'));
  expect(await refusalOf('worker', { ...env, REDIS_URL: proxy.url })).toContain('Redis Cluster');
  // One that does not tell about itself redirects.
  const admin = new Redis(server.url);
  cleanups.push(() => admin.disconnect());
  await admin.call('ACL', 'SETUSER', 'default', '-info');
  proxy.rewrite((text) => text.replaceAll(/^\$\d+\r\n\{"namespace".*\}\r\n/gm, '-MOVED 1 10.0.0.1:6379\r\n'));
  expect(await refusalOf('worker', { ...env, REDIS_URL: proxy.url })).toContain('Redis Cluster');
});

test('installations on one server do not hear each other, whether they differ in name or in database', async () => {
  const open = (url: string, namespace: string) => {
    const redis = new Redis(url);
    cleanups.push(() => redis.disconnect());
    useNamespace(redis, namespace);
    return redis;
  };
  const other = await testRedisUrl();
  const [ours, otherName, otherDatabase] = [open(env.REDIS_URL, 'a'), open(env.REDIS_URL, 'b'), open(other, 'a')];
  const names = [ours, otherName, otherDatabase].map((redis) => channelOf(redis, 'chat:cancel'));
  expect(new Set(names).size).toBe(3);
});

test.each([
  ['amqp://h', '/'],
  ['amqp://h/', '/'],
  ['amqp://u:p@h:5672/%2F', '/'],
  ['amqps://h/a%2Fb?heartbeat=5', 'a/b'],
])('the virtual host of %s is %s', (url, expected) => {
  expect(virtualHostOf(url)).toBe(expected);
});
