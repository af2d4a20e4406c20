import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type { EndedLogins } from '../../../src/adapters/logins/ended-logins.ts';
import { createRedisEndedLogins } from '../../../src/adapters/logins/redis-ended-logins.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';
import { describeEndedLogins } from './ended-logins-contract.ts';

const logger = pino({ level: 'silent' });
const connections: Redis[] = [];
const started: EndedLogins[] = [];
let url: string;
beforeAll(async () => {
  url = await testRedisUrl();
});
afterAll(() => {
  for (const each of started) each.stop();
  for (const connection of connections) connection.disconnect();
});

function startProcess(keepMs = 60_000) {
  const [redis, subscriber] = [new Redis(url), new Redis(url, { autoResubscribe: false })];
  connections.push(redis, subscriber);
  const logins = createRedisEndedLogins({ redis, subscriber, keepMs, logger });
  const known = logins.start();
  started.push(logins);
  return { logins, known, redis, subscriber };
}

describeEndedLogins('Redis', async (keepMs) => {
  const { logins, known } = startProcess(keepMs);
  await known;
  return logins;
});

test('a process that cannot read which logins have ended does not know it, until it can', async () => {
  const one = startProcess();
  await one.known;
  await one.logins.end('d');
  await one.redis.rename('auth:ended-logins', 'aside');
  await one.redis.set('auth:ended-logins', 'not to be read');
  const blind = startProcess();
  let known = false;
  const told = blind.known.then(() => {
    known = true;
  });
  await once(blind.redis, 'ready');
  await blind.redis.ping();
  expect(known).toBe(false);
  await one.redis.rename('aside', 'auth:ended-logins');
  await told;
  expect(blind.logins.has('d')).toBe(true);
});

test('a process that is not told, because its subscription is lost, finds out within a second or two', async () => {
  const [one, deaf] = [startProcess(), startProcess()];
  await until('it listens', () => deaf.subscriber.status === 'ready');
  deaf.subscriber.disconnect();
  await one.logins.end('c');
  await until('it has looked', () => deaf.logins.has('c'));
});

test('a process that was cut off from Redis knows all that has ended, once it is back', async () => {
  const [one, away] = [startProcess(), startProcess()];
  await one.logins.end('before');
  await until('it knows the first', () => away.logins.has('before'));
  const cutOff = once(away.redis, 'end');
  away.redis.disconnect();
  away.subscriber.disconnect();
  await cutOff;
  await one.logins.end('meanwhile');
  expect(away.logins.has('meanwhile')).toBe(false);
  await away.redis.connect();
  await until('it has read it', () => away.logins.has('meanwhile'));
});

test('what is kept of ended logins expires with the last of them', async () => {
  const { logins, redis } = startProcess(300);
  await logins.end('short');
  expect(await redis.pttl('auth:ended-logins')).toBeLessThanOrEqual(300);
});
