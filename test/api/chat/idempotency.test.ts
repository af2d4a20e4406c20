import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createIdempotencyKeys, readIdempotencyKey } from '../../../src/api/chat/idempotency.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

const claimFor = (user: string, key: string, body: unknown, sessionId: string, ttlMs = 60_000) =>
  createIdempotencyKeys({ redis, ttlMs }).claim(user, key, body, { sessionId, requestId: `${sessionId}-r` });

test('a key that comes again gives the first ids', async () => {
  const ids = { sessionId: 's1', requestId: 's1-r' };
  expect(await claimFor('u1', 'k', ['question'], 's1')).toEqual({ ids, repeated: false });
  expect(await claimFor('u1', 'k', ['question'], 's2')).toEqual({ ids, repeated: true });
});

test('of many that come at once with one key, one is the first', async () => {
  const claims = await Promise.all(Array.from({ length: 50 }, (_, i) => claimFor('u2', 'k', ['question'], `s${i}`)));
  expect(claims.filter(({ repeated }) => !repeated)).toHaveLength(1);
  expect(new Set(claims.map(({ ids }) => ids.sessionId)).size).toBe(1);
});

test('a key that comes again with another question is refused', async () => {
  await claimFor('u3', 'k', ['question'], 's1');
  await expect(claimFor('u3', 'k', ['another'], 's1')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});

test("users do not see each other's keys, whatever colons are in them", async () => {
  await claimFor('u4', 'a:b', ['question'], 's1');
  expect(await claimFor('u5', 'a:b', ['another'], 's2')).toMatchObject({ repeated: false });
  expect(await claimFor('u4:a', 'b', ['another'], 's3')).toMatchObject({ repeated: false });
});

test('a key is forgotten after its time', async () => {
  await claimFor('u6', 'k', ['question'], 's1', 60_000);
  const [key] = await redis.keys('chat:idempotency:u6:*');
  expect(await redis.pttl(key!)).toBeGreaterThan(50_000);
  expect(await redis.pttl(key!)).toBeLessThanOrEqual(60_000);
});

test.each([
  ['"abc"', 'abc'],
  ['"with \\"quotes\\" and \\\\"', 'with "quotes" and \\'],
  ['"abc";version=1', 'abc'],
  [`"${'x'.repeat(128)}"`, 'x'.repeat(128)],
  ['"unfinished', '"unfinished'],
  ['a"b"', 'a"b"'],
])('the key %s is the same as %s', (header, key) => {
  expect(readIdempotencyKey(header)).toBe(key);
});

test.each(['a', 'f0e1-22', 'with space', 'x'.repeat(128)])('the key %s is taken', (key) => {
  expect(readIdempotencyKey(key)).toBe(key);
});

test.each(['', ' ', '""', '" "', 'ümlaut', 'tab\there', 'x'.repeat(129)])('the key %j is refused', (key) => {
  expect(() => readIdempotencyKey(key)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
});

test('no key is no fault', () => {
  expect(readIdempotencyKey(undefined)).toBeUndefined();
});
