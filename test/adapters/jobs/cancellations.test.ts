import { randomUUID } from 'node:crypto';
import { afterEach, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { cancelRequest, onCancelled } from '../../../src/adapters/jobs/cancellations.ts';
import { jobIdOf } from '../../../src/adapters/jobs/chat-job.ts';
import { JOBS_PREFIX } from '../../../src/contracts/queues.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(url: string, user?: string): Redis {
  const own = user ? { username: user, password: user } : {};
  const redis = new Redis(url, { ...own, maxRetriesPerRequest: null, autoResubscribe: false });
  redis.on('error', () => {});
  cleanups.push(() => redis.disconnect());
  return redis;
}

/** A Redis user with all rights except those that the rules take away. */
async function userWith(redis: Redis, ...rules: string[]): Promise<string> {
  const name = `test-${randomUUID()}`;
  await redis.call('ACL', 'SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all', ...rules);
  cleanups.push(() => redis.call('ACL', 'DELUSER', name));
  return name;
}

const isHeard = async (heard: string[], redis: Redis) => {
  const requestId = randomUUID();
  await until('it is heard', async () => {
    await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, redis, requestId);
    return heard.includes(requestId);
  });
};

test('cancellations are heard again after the connection was lost', async () => {
  const url = await testRedisUrl();
  const proxy = await startTcpProxy(url);
  cleanups.push(() => proxy.stop());
  const heard: string[] = [];
  onCancelled({
    subscriber: open(proxy.url),
    callback: (_, requestId) => heard.push(requestId),
    onRefused: () => {},
  });
  const other = open(url);
  await isHeard(heard, other);
  proxy.cut();
  proxy.open();
  await isHeard(heard, other);
});

test('a subscription that Redis refuses is tried again, and the refusal is reported once', async () => {
  const url = await testRedisUrl();
  const admin = open(url);
  const user = await userWith(admin, '-subscribe');
  const heard: string[] = [];
  const onRefused = jest.fn();
  onCancelled({ subscriber: open(url, user), callback: (_, requestId) => heard.push(requestId), onRefused });
  await until('it is refused', () => onRefused.mock.calls.length > 0);
  await admin.call('ACL', 'SETUSER', user, '+subscribe');
  await isHeard(heard, admin);
  expect(onRefused).toHaveBeenCalledTimes(1);
});

test('a request is cancelled though its notice is refused', async () => {
  const url = await testRedisUrl();
  const admin = open(url);
  const user = await userWith(admin, '-publish');
  const requestId = randomUUID();
  await cancelRequest({ index: 0, prefix: JOBS_PREFIX }, open(url, user), requestId);
  expect(await admin.exists(redisKeys.cancelled(JOBS_PREFIX, jobIdOf(requestId)))).toBe(1);
});
