import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisSettledNotices } from '../../../src/adapters/conversations/redis-settled-notices.ts';
import { channelOf } from '../../../src/adapters/redis/channels.ts';
import { connectToOneServer } from '../../../src/adapters/redis/connect-redis.ts';
import { createAnswerWaiter } from '../../../src/api/chat/answer-waiter.ts';
import type { ChatResponse } from '../../../src/contracts/chat-response.ts';
import { SETTLED_CHANNEL } from '../../../src/contracts/redis-keys.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

let redis: Redis;
let subscriber: Redis;
beforeEach(async () => {
  const url = await testRedisUrl();
  redis = new Redis(url);
  subscriber = new Redis(url, { retryStrategy: () => 20 });
  await subscriber.ping();
});
afterEach(() => {
  subscriber.disconnect();
  redis.disconnect();
});

/** Databases share their channels: each test asks for requests of its own. */
let r1: string;
let r2: string;
beforeEach(() => {
  [r1, r2] = [randomUUID(), randomUUID()];
});

const LONG_MS = 60_000;

const waiterOf = (subscriber: Redis) =>
  createAnswerWaiter({ notices: createRedisSettledNotices({ subscriber, replica: 'here' }) });

test('a waiting client is told of the answer', async () => {
  const watch = await waiterOf(subscriber).watch(r1, LONG_MS);
  const news = watch.news();
  await redis.publish(channelOf(redis, SETTLED_CHANNEL), `there ${r1}`);
  expect(await news).toBe('look');
});

test('an answer that came before anybody looked is not missed', async () => {
  const watch = await waiterOf(subscriber).watch(r1, LONG_MS);
  await redis.publish(channelOf(redis, SETTLED_CHANNEL), `there ${r1}`);
  await subscriber.ping();
  expect(await watch.news()).toBe('look');
});

test('the answer to another question is no news', async () => {
  const watch = await waiterOf(subscriber).watch(r1, LONG_MS);
  await redis.publish(channelOf(redis, SETTLED_CHANNEL), `there ${r2}`);
  await subscriber.ping();
  watch.close();
  expect(await watch.news()).toBeUndefined();
});

test('an answer that this process has settled is passed on, and its own notice is ignored', async () => {
  const waiter = waiterOf(subscriber);
  const watch = await waiter.watch(r1, LONG_MS);
  await redis.publish(channelOf(redis, SETTLED_CHANNEL), `here ${r1}`);
  await subscriber.ping();
  const response = { requestId: r1 } as ChatResponse;
  waiter.settled(r1, response);
  expect(await watch.news()).toBe(response);
});

test('the waiting ends when its time is over', async () => {
  const watch = await waiterOf(subscriber).watch(r1, 10);
  expect(await watch.news()).toBeUndefined();
});

test('two may wait for one answer, and one of them may leave', async () => {
  const waiter = waiterOf(subscriber);
  const [first, second] = await Promise.all([waiter.watch(r1, LONG_MS), waiter.watch(r1, LONG_MS)]);
  first.close();
  const news = second.news();
  await redis.publish(channelOf(redis, SETTLED_CHANNEL), `there ${r1}`);
  expect(await news).toBe('look');
});

test('nobody is held when the API stops', async () => {
  const waiter = waiterOf(subscriber);
  const watch = await waiter.watch(r1, LONG_MS);
  const news = watch.news();
  waiter.stop();
  expect(await news).toBeUndefined();
  expect(await (await waiter.watch(r2, LONG_MS)).news()).toBeUndefined();
});

test('a connection that was lost and came back is news, for a notice may have been missed', async () => {
  const id = await subscriber.client('ID');
  const watch = await waiterOf(subscriber).watch(r1, LONG_MS);
  const news = watch.news();
  await redis.client('KILL', 'ID', id);
  expect(await news).toBe('look');
  const next = watch.news();
  await redis.publish(channelOf(redis, SETTLED_CHANNEL), `there ${r1}`);
  expect(await next).toBe('look');
});

test('without Redis, a caller is told at once that it cannot wait', async () => {
  const gone = new Redis({ enableOfflineQueue: false, lazyConnect: true });
  gone.on('error', () => {});
  await expect(waiterOf(gone).watch(r1, LONG_MS)).rejects.toMatchObject({
    code: 'store_unavailable',
  });
  gone.disconnect();
});

test('a subscription that failed is tried again while the connection stands', async () => {
  const proxy = await startTcpProxy(await testRedisUrl());
  const { logger } = captureLog();
  const late = connectToOneServer({ url: proxy.url, name: 'test', logger, commandTimeoutMs: 300 });
  try {
    late.on('ready', () => proxy.holdFromServer());
    const waiter = waiterOf(late);
    await until('it is asked for', () => late.status === 'ready');
    await expect(waiter.watch(r1, LONG_MS)).rejects.toMatchObject({ code: 'store_unavailable' });
    proxy.release();
    await until('somebody can wait', () =>
      waiter.watch(r1, LONG_MS).then(
        () => true,
        () => false,
      ),
    );
    expect(proxy.accepted).toBe(1);
  } finally {
    late.disconnect();
    await proxy.stop();
  }
});
