import type { Socket } from 'node:net';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../../src/adapters/accounts/redis-account-store.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { startRedisMonitor } from '../../redis-monitor.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';
import { describeAccountStore } from './account-store-contract.ts';

let opened: Redis | undefined;
afterAll(() => opened?.quit());

describeAccountStore('Redis', async () => {
  opened = new Redis(await testRedisUrl());
  return createRedisAccountStore({ redis: opened });
});

test('Redis runs the same commands whether or not an email has an account', async () => {
  const redis = new Redis(await testRedisUrl());
  const monitor = await startRedisMonitor(`redis://${redis.options.host}:${redis.options.port}`);
  const store = createRedisAccountStore({ redis });
  const { localPort } = redis.stream as Socket;
  const commandsOf = async (use: () => Promise<unknown>) => {
    await redis.echo('from here');
    await use();
    await redis.echo('to here');
    const own = () => monitor.commands().filter((line) => line.includes(`:${localPort}] `));
    const end = () => own().findLastIndex((line) => line.includes('"to here"'));
    const start = () => own().findLastIndex((line) => line.includes('"from here"'));
    await until('the monitor has seen it', () => start() >= 0 && end() > start());
    return own()
      .slice(start() + 1, end())
      .map((line) => /"(\w+)" "(auth:\w+)[:"]/.exec(line)?.slice(1));
  };
  const account = (userId: string) => ({
    ...{ userId, email: 'a@example.com', passwordHash: '', role: 'user' as const },
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  const lookUp = () => store.byEmail('a@example.com');
  const [unknown, made] = [await commandsOf(lookUp), await commandsOf(() => store.create(account('u1')))];
  expect([unknown.length, made.length]).toEqual([2, 4]);
  expect(await commandsOf(lookUp)).toEqual(unknown);
  expect(await commandsOf(() => store.create(account('u2')))).toEqual(made);
  monitor.stop();
  await redis.quit();
});

test('accounts that an earlier version made are listed, too, and are looked for once a day', async () => {
  const redis = new Redis(await testRedisUrl());
  await redis.flushdb();
  const store = createRedisAccountStore({ redis });
  const account = (name: string) => ({
    ...{ userId: `user-${name}`, email: `${name}@example.com`, passwordHash: '', role: 'user' as const },
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  const listed = async () => (await store.page(undefined, 10)).accounts.map(({ email }) => email);
  for (const name of ['b', 'a']) await store.create(account(name));
  await redis.del(redisKeys.emails());
  expect(await listed()).toEqual(['a@example.com', 'b@example.com']);
  await store.create(account('c'));
  await redis.zrem(redisKeys.emails(), 'a@example.com');
  expect(await listed()).toEqual(['b@example.com', 'c@example.com']);
  const ttlSeconds = await redis.ttl(redisKeys.emailsFilled());
  expect([ttlSeconds > 86_000, ttlSeconds <= 86_400]).toEqual([true, true]);
  await redis.del(redisKeys.emailsFilled());
  expect(await listed()).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
  await redis.quit();
});

test('an email whose account is gone is not listed, and does not stay', async () => {
  const redis = new Redis(await testRedisUrl());
  const store = createRedisAccountStore({ redis });
  await redis.zadd(redisKeys.emails(), 0, 'gone@example.com');
  const { accounts } = await store.page('gone', 1);
  expect(accounts).toEqual([]);
  expect(await redis.zscore(redisKeys.emails(), 'gone@example.com')).toBeNull();
  await redis.quit();
});

test('without Redis every method says that the store is out of reach', async () => {
  const gone = new Redis({ port: 9, enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => null });
  gone.on('error', () => {});
  const store = createRedisAccountStore({ redis: gone });
  for (const use of [
    () => store.byEmail('a@example.com'),
    () => store.byId('u1'),
    () => store.change('u1', (account) => account),
    () => store.page(undefined, 10),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  gone.disconnect();
});
