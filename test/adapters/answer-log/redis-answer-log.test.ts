import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { LogReading } from '../../../src/adapters/answer-log/answer-log.ts';
import { logChannelOf } from '../../../src/adapters/answer-log/log-channel.ts';
import { openReading } from '../../../src/adapters/answer-log/log-reading.ts';
import { createRedisLogKeeper } from '../../../src/adapters/answer-log/redis-log-keeper.ts';
import { createRedisLogReader } from '../../../src/adapters/answer-log/redis-log-reader.ts';
import { createRedisLogWriter } from '../../../src/adapters/answer-log/redis-log-writer.ts';
import { destroyDataKey } from '../../../src/adapters/encryption/destroyed-keys.ts';
import { ownerOf } from '../../../src/adapters/encryption/text-seals.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { plainTexts, type TextSeals } from '../../../src/contracts/sealing.ts';
import { newMasterKey, openSeals } from '../../seals.ts';
import { testRedisUrl } from '../../services.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';
import { attemptAt, COMPLETED, describeAnswerLog, readAll, textOf } from './answer-log-contract.ts';
import { describeFollowedLog } from './followed-log-contract.ts';

const TTL_MS = 3_600_000;
const opened: Redis[] = [];
/** One database for all of the test's connections. */
let shared: Promise<string> | undefined;
const sharedUrl = () => (shared ??= testRedisUrl());
afterAll(() => {
  for (const redis of opened) redis.disconnect();
});
async function connect(url?: string): Promise<Redis> {
  const redis = new Redis(url ?? (await sharedUrl()), { maxRetriesPerRequest: null, autoResubscribe: false });
  redis.on('error', () => {});
  opened.push(redis);
  return redis;
}

async function* eachOf(reading: LogReading) {
  for await (const events of reading) yield* events;
}

async function open(url?: string, seals: TextSeals = plainTexts) {
  const redis = await connect();
  const reader = createRedisLogReader({ redis: await connect(url), subscriber: await connect(url), seals });
  return {
    redis,
    reader,
    writer: createRedisLogWriter({ redis, seals, ttlMs: TTL_MS }),
    keeper: createRedisLogKeeper({ redis, seals, ttlMs: TTL_MS }),
    openReader: (requestId: string, after: number) => eachOf(reader.read({ requestId, userId: 'ann' }, after)),
  };
}

describeAnswerLog('Redis', open);
describeFollowedLog('in Redis', open);

const encrypted = async () => {
  const keys = openSeals(await connect(), masterKey);
  return { ...(await open(undefined, keys.seals)), ...keys };
};
const masterKey = newMasterKey();
describeAnswerLog('Redis, encrypted', encrypted);
// Base64 takes a third more.
describeFollowedLog('in Redis, encrypted', encrypted, 8);

test('neither the log nor its channel has a text as it is, also where another request is followed', async () => {
  const { redis, writer, openReader } = await encrypted();
  const [asker, follower] = [randomUUID(), randomUUID()];
  const heard: string[] = [];
  const subscriber = await connect();
  await subscriber.subscribe(...[asker, follower].map((requestId) => logChannelOf(redis, requestId)));
  subscriber.on('message', (_, message: string) => heard.push(message));
  const asking = writer.open(attemptAt(asker, 1));
  asking.begun({ provider: 'p', model: 'm' });
  asking.text('greens');
  await asking.close();
  await writer.open(attemptAt(follower, 1)).follow(asker);
  const following = readAll(openReader(follower, -1));
  await until('the text is copied', async () => (await redis.xlen(redisKeys.answerLog(follower))) >= 4);
  for (const requestId of [asker, follower]) {
    await writer.open(attemptAt(requestId, 2)).end(COMPLETED, 'greens and beans');
  }
  expect(textOf(await following)).toBe('greens and beans');
  await until('both ends are heard', () => heard.filter((message) => message.includes('completed')).length === 2);
  const streams = await Promise.all([asker, follower].map((id) => redis.xrange(redisKeys.answerLog(id), '-', '+')));
  for (const text of [JSON.stringify(streams), heard.join()]) {
    expect(text).toContain('sealed');
    expect(text).not.toMatch(/greens|beans/);
  }
});

test('a reader also gets events that were written before texts were encrypted', async () => {
  const [plain, sealed] = [await open(), await encrypted()];
  const requestId = randomUUID();
  const before = plain.writer.open(attemptAt(requestId, 1));
  before.begun({ provider: 'p', model: 'm' });
  before.text('Eat');
  await before.close();
  const after = sealed.writer.open(attemptAt(requestId, 2));
  expect(await after.resume('Eat greens.')).toBe(true);
  await after.end(COMPLETED, 'Eat greens.');
  const events = await readAll(sealed.openReader(requestId, -1));
  expect(textOf(events)).toBe('Eat greens.');
  expect(events.map(({ event }) => event.type)).not.toContain('restarted');
});

test('once its user’s key is destroyed, a log counts as erased', async () => {
  const { redis, writer, keeper, reader, store, dataKeys } = await encrypted();
  const log = { requestId: randomUUID(), userId: randomUUID() };
  await writer.open({ ...attemptAt(log.requestId, 1), ...log }).end(COMPLETED, 'Eat greens.');
  const had = reader.read(log, -1)[Symbol.asyncIterator]();
  expect((await had.next()).done).toBe(false);
  await destroyDataKey({ redis, store, owner: ownerOf(log.userId) });
  dataKeys.forget();
  await expect(reader.read(log, -1)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: 'no_log' });
  expect(await keeper.end([log], { type: 'cancelled', at: COMPLETED.at, finishReason: 'cancelled' })).toEqual(
    new Map(),
  );
});

test('a reader whose connections are cut again and again sees each event once', async () => {
  const proxy = await startTcpProxy(await sharedUrl());
  const { writer, openReader } = await open(proxy.url);
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.begun({ provider: 'p', model: 'm' });
  log.text('0 ');
  let text = '0 ';
  const reading = readAll(openReader(requestId, -1));
  reading.catch(() => {});
  for (let n = 1; n <= 60; n++) {
    const piece = `${n} `;
    text += piece;
    log.text(piece);
    await log.close();
    if (n % 15 === 0) {
      proxy.cut();
      proxy.open();
    }
  }
  await log.end(COMPLETED, text);
  const events = await reading;
  expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index));
  expect(textOf(events)).toBe(text);
  proxy.stop();
});

test('a reader that does not read is cut off with its position, and can resume there', async () => {
  const { writer, reader, openReader } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.begun({ provider: 'p', model: 'm' });
  log.text('a');
  await log.close();
  const reading = reader.read({ requestId, userId: 'ann' }, -1);
  const steps = reading[Symbol.asyncIterator]();
  await steps.next();
  const answer = `a${'b'.repeat(400_000)}`;
  // What another attempt writes counts as well.
  for (let epoch = 2; epoch <= 4; epoch++) {
    const next = writer.open(attemptAt(requestId, epoch));
    next.begun({ provider: 'p', model: 'm' });
    next.text(answer);
    await next.close();
  }
  const last = reader.read({ requestId, userId: 'ann' }, -1);
  await readAll(eachOf(last), 12);
  await expect(steps.next()).rejects.toMatchObject({ reason: 'too_slow', after: reading.after });
  const end = writer.open(attemptAt(requestId, 5));
  await end.end(COMPLETED, answer);
  expect(textOf(await readAll(openReader(requestId, reading.after)), 'a')).toBe(answer);
});

test('a log is bounded: what exceeds the bound arrives with the end', async () => {
  const { redis, writer, openReader } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.begun({ provider: 'p', model: 'm' });
  let text = '';
  for (let n = 0; n < 30; n++) {
    const piece = 'x'.repeat(100_000);
    text += piece;
    log.text(piece);
    await log.close();
  }
  expect(await redis.xlen(redisKeys.answerLog(requestId))).toBeLessThan(20);
  await log.end(COMPLETED, text);
  expect(textOf(await readAll(openReader(requestId, -1)))).toBe(text);
});

test('a log expires some time after its end, or after its deadline if it never ends', async () => {
  const { redis, writer } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.asking();
  await log.close();
  expect(await redis.pttl(redisKeys.answerLog(requestId))).toBeGreaterThan(TTL_MS + 50_000);
  await log.end(COMPLETED, '');
  const ttlMs = await redis.pttl(redisKeys.answerLog(requestId));
  expect(ttlMs).toBeGreaterThan(TTL_MS - 10_000);
  expect(ttlMs).toBeLessThanOrEqual(TTL_MS);
});

test('an erased log is gone at once, and its readers are cut off', async () => {
  const { redis, writer, keeper, reader } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.asking();
  await log.close();
  const steps = reader.read({ requestId, userId: 'ann' }, -1)[Symbol.asyncIterator]();
  await steps.next();
  await keeper.erase([requestId]);
  await expect(steps.next()).rejects.toMatchObject({ reason: 'no_log' });
  log.text('late');
  await log.end(COMPLETED, 'late');
  expect(JSON.stringify(await redis.xrange(redisKeys.answerLog(requestId), '-', '+'))).not.toContain('late');
});

test('a reader whose request has ended without a log, or whose log has expired, is told at once', async () => {
  const { redis, reader, writer, openReader } = await open();
  const requestId = randomUUID();
  const ended = () => readAll(eachOf(reader.read({ requestId, userId: 'ann' }, -1, { hasEnded: true })));
  await expect(ended()).rejects.toMatchObject({ reason: 'no_log' });
  const log = writer.open(attemptAt(requestId, 1));
  log.asking();
  await log.end(COMPLETED, 'Eat.');
  expect(textOf(await ended())).toBe('Eat.');
  await redis.del(redisKeys.answerLog(requestId));
  await expect(ended()).rejects.toMatchObject({ reason: 'no_log' });
  await expect(readAll(openReader(requestId, 1))).rejects.toMatchObject({ reason: 'no_log' });
});

test('readers start again when Redis has lost what they have seen', async () => {
  const { redis, writer, openReader } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.begun({ provider: 'p', model: 'm' });
  log.text('Eat ');
  await log.close();
  const reading = readAll(openReader(requestId, -1));
  reading.catch(() => {});
  const seen = await readAll(openReader(requestId, -1), 3);
  await redis.xtrim(redisKeys.answerLog(requestId), 'MAXLEN', 0);
  await redis.del(redisKeys.answerLog(requestId));
  log.text('more.');
  await log.end(COMPLETED, 'Eat more.');
  const events = await reading;
  expect(events.slice(0, 3)).toEqual(seen);
  expect(events[3]?.event.type).toBe('restarted');
  expect(textOf(events)).toBe('Eat more.');
});

test('what comes while a connection is renewed is not missed, also if a page is being read just then', async () => {
  const { redis, writer } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.asking();
  await log.close();
  const reading = openReading({
    ...{ redis, seals: plainTexts, log: { requestId, userId: 'ann' }, after: -1, hasEnded: false, ownOnly: false },
    // No message ever comes.
    listening: async () => {},
    onFollows: () => {},
    onClosed: () => {},
  });
  const events = reading[Symbol.asyncIterator]();
  const page = events.next();
  // The command is on its way, and the connection for messages is new.
  await Promise.resolve();
  reading.lookAgain();
  expect((await page).value).toHaveLength(2);
  await writer.open(attemptAt(requestId, 2)).end(COMPLETED, 'Eat.');
  expect((await events.next()).value).toMatchObject([{ event: { type: 'completed' } }]);
});

test('a message that no reader can read makes it look into the log, and ends nothing', async () => {
  const { redis, writer, openReader } = await open();
  const requestId = randomUUID();
  const log = writer.open(attemptAt(requestId, 1));
  log.asking();
  await log.close();
  const events = openReader(requestId, -1);
  await events.next();
  await events.next();
  const next = events.next();
  await until('somebody listens', () => redis.publish(logChannelOf(redis, requestId), 'of a later version'));
  await writer.open(attemptAt(requestId, 2)).end(COMPLETED, 'Eat.');
  expect((await next).value).toMatchObject({ event: { type: 'completed' } });
});
