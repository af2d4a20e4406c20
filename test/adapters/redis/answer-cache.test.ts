import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AnswerParameters, ModelAnswer } from '../../../src/adapters/model/model.ts';
import { createAnswerCache } from '../../../src/adapters/redis/answer-cache.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';

const TTL_MS = 100_000;
const answer: ModelAnswer = {
  response: 'Eat greens. 🥦',
  model: 'm-2026',
  provider: 'models.example.com',
  usage: { promptTokens: 7, completionTokens: 5, totalTokens: 12, cost: 0.001 },
};

let redis: Redis;

beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(async () => {
  await redis.quit();
});

const cacheWith = (options: { maxEntryBytes?: number; random?: () => number } = {}) =>
  createAnswerCache({ redis, ttlMs: TTL_MS, maxEntryBytes: 65_536, ...options });

/** A hash that no other test uses. */
const newHash = () => randomUUID();

const parameters = (change: Partial<AnswerParameters['body']> = {}): AnswerParameters => ({
  provider: 'models.example.com',
  body: { model: 'm', temperature: 0.2, messages: [{ role: 'user', content: 'What is healthy?' }], ...change },
});

describe('the hash', () => {
  const { hashOf } = createAnswerCache({ redis: undefined as never, ttlMs: 1, maxEntryBytes: 1 });

  test('is the same for the same parameters in any order', () => {
    const turned: AnswerParameters = {
      body: { messages: [{ content: 'What is healthy?', role: 'user' }], temperature: 0.2, model: 'm' },
      provider: 'models.example.com',
    };
    expect(hashOf(turned)).toBe(hashOf(parameters()));
    expect(hashOf(turned)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['provider', { ...parameters(), provider: 'simulator' }],
    ['model', parameters({ model: 'm2' })],
    ['temperature', parameters({ temperature: 0.3 })],
    ['longest answer', parameters({ max_tokens: 5 })],
    ['question', parameters({ messages: [{ role: 'user', content: 'What is healthy' }] })],
    [
      'system prompt',
      parameters({
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'What is healthy?' },
        ],
      }),
    ],
    [
      'context',
      parameters({
        messages: [
          { role: 'user', content: 'I am Ada.' },
          { role: 'user', content: 'What is healthy?' },
        ],
      }),
    ],
    ['role of a turn', parameters({ messages: [{ role: 'assistant', content: 'What is healthy?' }] })],
  ])('is another for another %s', (_, other) => {
    expect(hashOf(other)).not.toBe(hashOf(parameters()));
  });

  test('tells the order of turns apart', () => {
    const one = { role: 'user' as const, content: 'one' };
    const two = { role: 'user' as const, content: 'two' };
    expect(hashOf(parameters({ messages: [one, two] }))).not.toBe(hashOf(parameters({ messages: [two, one] })));
  });
});

describe('an answer', () => {
  test('that was kept serves again, with its model and provider, and costs nothing', async () => {
    const hash = newHash();
    const cache = cacheWith();
    expect(await cache.get(hash)).toBeUndefined();
    await cache.put(hash, 'session-1', answer);
    expect(await cache.get(hash)).toEqual({
      ...answer,
      usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 },
    });
  });

  test.each([
    [0, 90_000],
    [0.5, 100_000],
    [0.999999, 110_000],
  ])('is kept for its time, give or take 10 %% (dice %p: %p ms)', async (dice, expectedMs) => {
    const hash = newHash();
    await cacheWith({ random: () => dice }).put(hash, `session-${hash}`, answer);
    for (const key of [redisKeys.answer(hash), redisKeys.response(`session-${hash}`)]) {
      const leftMs = await redis.pttl(key);
      expect(leftMs).toBeLessThanOrEqual(expectedMs);
      expect(leftMs).toBeGreaterThan(expectedMs - 5_000);
    }
  });

  test('is kept up to the size that is set, in bytes of its entry, and not above', async () => {
    const { response, model, provider } = answer;
    const bytes = Buffer.byteLength(JSON.stringify({ response, model, provider }));
    const [fits, tooLarge] = [newHash(), newHash()];
    await cacheWith({ maxEntryBytes: bytes }).put(fits, 'session-2', answer);
    await cacheWith({ maxEntryBytes: bytes - 1 }).put(tooLarge, 'session-3', answer);
    expect(await cacheWith().get(fits)).toMatchObject({ response });
    expect(await cacheWith().get(tooLarge)).toBeUndefined();
    expect(JSON.parse((await redis.get(redisKeys.response('session-3')))!)).toMatchObject({ response });
  });
});

describe('an entry that is not ours', () => {
  test.each([
    ['not JSON', 'hello'],
    ['cut', '{"response":"Eat gr'],
    ['another object', '{"answer":"yes"}'],
    ['an answer without text', '{"response":"","model":"m","provider":"p"}'],
    ['empty', ''],
  ])('(%s) is a miss, and removed', async (_, text) => {
    const hash = newHash();
    await redis.set(redisKeys.answer(hash), text);
    expect(await cacheWith().get(hash)).toBeUndefined();
    expect(await redis.exists(redisKeys.answer(hash))).toBe(0);
  });

  test('(another type) is a miss, and removed', async () => {
    const hash = newHash();
    await redis.lpush(redisKeys.answer(hash), 'one');
    expect(await cacheWith().get(hash)).toBeUndefined();
    expect(await redis.exists(redisKeys.answer(hash))).toBe(0);
  });
});

describe("a session's last answer", () => {
  test('is found under its key, the latest one only', async () => {
    const cache = cacheWith();
    await cache.put(undefined, 'session-4', answer);
    await cache.put(undefined, 'session-4', { ...answer, response: 'Sleep.' });
    expect(JSON.parse((await redis.get('ai:response:session-4'))!)).toEqual({
      response: 'Sleep.',
      model: answer.model,
      provider: answer.provider,
    });
  });

  test('is kept without a hash for nobody else', async () => {
    const before = await redis.keys('ai:answer:*');
    await cacheWith().put(undefined, 'session-5', answer);
    expect(await redis.keys('ai:answer:*')).toEqual(before);
  });

  test('is forgotten on demand, and the shared answer stays', async () => {
    const hash = newHash();
    const cache = cacheWith();
    await cache.put(hash, 'session-6', answer);
    await cache.forgetSession('session-6');
    expect(await redis.exists(redisKeys.response('session-6'))).toBe(0);
    expect(await cache.get(hash)).toMatchObject({ response: answer.response });
  });
});

test('a Redis that is out of reach rejects, so that the caller knows', async () => {
  const away = new Redis('redis://127.0.0.1:1', { lazyConnect: true, retryStrategy: () => null });
  away.on('error', () => {});
  const cache = createAnswerCache({ redis: away, ttlMs: TTL_MS, maxEntryBytes: 65_536 });
  await expect(cache.get('hash')).rejects.toThrow();
  await expect(cache.put('hash', 'session', answer)).rejects.toThrow();
  await expect(cache.forgetSession('session')).rejects.toThrow();
});
