import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createEndedLogins, type EndedLogins } from '../../../src/api/auth/ended-logins.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

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
  const logins = createEndedLogins({ redis, subscriber, keepMs, logger });
  const known = logins.start();
  started.push(logins);
  return { logins, known, redis, subscriber };
}

test('a login that ends at one process has ended at all, also at those that start later', async () => {
  const [one, other] = [startProcess(), startProcess()];
  await one.logins.end('a');
  expect(one.logins.has('a')).toBe(true);
  await until('the other has heard of it', () => other.logins.has('a'));
  const late = startProcess();
  await until('the late one has read it', () => late.logins.has('a'));
  expect(late.logins.has('b')).toBe(false);
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

test('an ended login is forgotten when its tokens have expired', async () => {
  const { logins, redis } = startProcess(300);
  await logins.end('short');
  await until('it is forgotten', () => !logins.has('short'));
  expect(await redis.pttl('auth:ended-logins')).toBeLessThanOrEqual(300);
});
