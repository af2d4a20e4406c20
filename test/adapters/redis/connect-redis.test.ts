import { afterEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { countWaiting } from '../../../src/adapters/jobs/job-queue.ts';
import { openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { connectToOneServer } from '../../../src/adapters/redis/connect-redis.ts';
import { captureLog } from '../../captured-log.ts';
import { privateRedis, testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

const { logger } = captureLog();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function proxyTo(url: string) {
  const proxy = await startTcpProxy(url);
  cleanups.push(() => proxy.stop());
  return proxy;
}

function open(url: string, commandTimeoutMs?: number): Redis {
  const redis = connectToOneServer({ url, name: 'test', logger, ...(commandTimeoutMs && { commandTimeoutMs }) });
  cleanups.push(() => redis.disconnect());
  return redis;
}

test.each([
  ['that is asked something', false],
  ['that only listens', true],
])('a connection %s and falls silent is made again', async (_, listens) => {
  const proxy = await proxyTo(await testRedisUrl());
  // Some pieces are its handshake.
  proxy.breakNext(8, 'silent');
  const redis = open(proxy.url);
  let ready = 0;
  redis.on('ready', () => {
    ready += 1;
  });
  await until('it is ready', () => ready === 1);
  if (listens) await redis.subscribe('a channel');
  const asking = listens ? undefined : setInterval(() => redis.set('a', 'b').catch(() => {}), 1_000);
  cleanups.push(() => clearInterval(asking));
  await until('it is ready again', () => ready === 2, 60_000);
  expect(proxy.accepted).toBe(2);
});

test('a queue whose connection is lost as it becomes ready can be used with the next', async () => {
  const proxy = await proxyTo(await testRedisUrl());
  const redis = open(proxy.url, 1_000);
  redis.once('ready', () => {
    proxy.cut();
    proxy.open();
  });
  const shards = openJobShards(redis, 1);
  cleanups.push(() => shards.close());
  await until('jobs are counted', () => countWaiting(shards).then(String, () => undefined));
  expect(proxy.accepted).toBeGreaterThan(1);
});

test('a primary that has become a replica is left, without a storm, until its address leads to a primary again', async () => {
  const server = await privateRedis();
  cleanups.push(() => server.stop());
  const admin = new Redis(server.url);
  cleanups.push(() => admin.disconnect());
  const redis = open(server.url);
  let connections = 0;
  redis.on('ready', () => {
    connections += 1;
  });
  await redis.set('a', '1');
  await admin.replicaof('127.0.0.1', '1');
  let refused = 0;
  const asking = setInterval(() => {
    redis.eval("return redis.call('SET', 'a', '2')", 0).catch(() => {
      refused += 1;
    });
  }, 20);
  cleanups.push(() => clearInterval(asking));
  await until('it was left more than once', () => connections > 2);
  expect(refused).toBeGreaterThan(10);
  expect(connections).toBeLessThan(6);
  await admin.replicaof('NO', 'ONE');
  await until('it writes again', async () => (await redis.get('a')) === '2');
});

test('a Redis that falls silent is reported within seconds, and so is its return on the same connection', async () => {
  const server = await privateRedis();
  cleanups.push(() => server.stop());
  const proxy = await proxyTo(server.url);
  const { logger, said } = captureLog();
  const states: boolean[] = [];
  for (const commandTimeoutMs of [undefined, 1_000]) {
    const redis = connectToOneServer({
      ...{ url: proxy.url, name: 'test', logger, onUp: (up: boolean) => states.push(up) },
      ...(commandTimeoutMs && { commandTimeoutMs }),
    });
    cleanups.push(() => redis.disconnect());
  }
  await until('both are up', () => states.length === 2);
  proxy.holdFromServer();
  await until('both are down', () => states.length === 4, 6_000);
  proxy.release();
  await until('both are up again', () => states.length === 6, 6_000);
  expect(states).toEqual([true, true, false, false, true, true]);
  expect(said('Redis does not answer')).toHaveLength(2);
  expect(said('Redis answers again')).toHaveLength(2);
  expect(proxy.accepted).toBe(2);
});
