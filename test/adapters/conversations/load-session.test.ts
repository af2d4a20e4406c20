import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { loadSession } from '../../../src/adapters/conversations/redis-scripts/load-session.ts';
import { testRedisUrl } from '../../services.ts';
import { responseTo } from './response-to.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

const at = '2026-01-01T00:00:00.000Z';
const sessionOf = (sessionId: string, count = 1) => ({
  session: { sessionId, userId: 'u', title: 'Title', createdAt: at, updatedAt: at },
  turns: Array.from({ length: count }, (_, number) => ({
    ...{ requestId: `r${number}`, number, message: 'How?', createdAt: at, feedback: null },
    response: responseTo({ sessionId, requestId: `r${number}`, userId: 'u' }),
  })),
});
const load = (sessionId: string, note: string, count?: number) =>
  loadSession(redis, sessionOf(sessionId, count), { note, ttlMs: 60_000 });
const leaveNote = (sessionId: string, note: string) => redis.set(`{chat:session:${sessionId}}:loading`, note);

test('a session is written once, also with as many turns as it may have', async () => {
  await leaveNote('long', 'mine');
  expect(await load('long', 'mine', 500)).toBe('loaded');
  expect(await redis.hlen('{chat:session:long}:turns')).toBe(1 + 3 * 500);
  expect(await redis.pttl('{chat:session:long}:turns')).toBeGreaterThan(0);
  expect(await load('long', 'mine', 500)).toBe('there');
});

test('a load whose session was changed meanwhile, or that another load has overtaken, writes nothing', async () => {
  await leaveNote('raced', 'another');
  expect(await load('raced', 'mine')).toBe('changed');
  await redis.del('{chat:session:raced}:loading');
  expect(await load('raced', 'mine')).toBe('changed');
  expect(await redis.exists('chat:session:raced')).toBe(0);
});

test('an erased session is not loaded', async () => {
  await leaveNote('erased', 'mine');
  await redis.set('{chat:session:erased}:erased', '1');
  expect(await load('erased', 'mine')).toBe('erased');
});
