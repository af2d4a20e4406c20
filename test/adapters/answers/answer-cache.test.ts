import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type AnswerCache, createAnswerCache } from '../../../src/adapters/answers/answer-cache.ts';
import type { CachedQuestion } from '../../../src/adapters/answers/cached-question.ts';
import { forgetAnswers } from '../../../src/adapters/answers/redis-scripts/forget-answers.ts';
import type { AnswerParameters } from '../../../src/adapters/model/model.ts';
import { plainCacheKeys } from '../../../src/contracts/cache-keys.ts';
import type { ModelAnswer } from '../../../src/contracts/model-answer.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';

const TTL_MS = 100_000;
const answer: ModelAnswer = {
  response: 'Eat greens. 🥦',
  model: 'm-2026',
  provider: 'models.example.com',
  usage: { promptTokens: 7, completionTokens: 5, totalTokens: 12, cost: 0.001 },
  finishReason: 'stop',
};

const plainKey = (await plainCacheKeys.of({ userId: 'ann' }))!;

let redis: Redis;

beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(async () => {
  await redis.quit();
});

const cacheWith = (options: Partial<Parameters<typeof createAnswerCache>[0]> = {}) =>
  createAnswerCache({ redis, keys: plainCacheKeys, keepLast: true, ttlMs: TTL_MS, maxEntryBytes: 65_536, ...options });

const of = (sessionId: string) => ({ sessionId, userId: 'ann' });

/** A question that no other test asks, of a user without encryption. */
const newQuestion = (): CachedQuestion => ({ hash: randomUUID(), key: plainKey });

/** The answer that is kept for the question. */
async function answerOf(cache: AnswerCache, question: CachedQuestion): Promise<ModelAnswer | undefined> {
  const found = await cache.lookUp(question, 'someone');
  if (typeof found === 'object' && 'answer' in found) return found.answer;
  await cache.release(question.hash, 'someone');
  return undefined;
}

const parameters = (change: Partial<AnswerParameters['body']> = {}): AnswerParameters => ({
  provider: 'models.example.com',
  body: { model: 'm', temperature: 0.2, messages: [{ role: 'user', content: 'What is healthy?' }], ...change },
});

describe('the hash', () => {
  const hashOf = async (of: AnswerParameters, userId = 'ann') => (await cacheWith().questionOf(of, userId))!.hash;

  test('differs for another user', async () => {
    expect(await hashOf(parameters(), 'bob')).not.toBe(await hashOf(parameters()));
  });

  test('is the same for the same parameters', async () => {
    expect(await hashOf(parameters())).toBe(await hashOf(structuredClone(parameters())));
    expect(await hashOf(parameters())).toMatch(/^[\w-]{32}$/);
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
  ])('is another for another %s', async (_, other) => {
    expect(await hashOf(other)).not.toBe(await hashOf(parameters()));
  });

  test('tells the order of turns apart', async () => {
    const one = { role: 'user' as const, content: 'one' };
    const two = { role: 'user' as const, content: 'two' };
    expect(await hashOf(parameters({ messages: [one, two] }))).not.toBe(
      await hashOf(parameters({ messages: [two, one] })),
    );
  });
});

describe('an answer', () => {
  test('is forgotten, but a claim on a question stays with its request', async () => {
    const cache = cacheWith();
    const [kept, asked] = [newQuestion(), newQuestion()];
    await cache.lookUp(kept, 'a');
    await cache.keep(
      of('session'),
      { response: 'So.', model: 'm', provider: 'p', usage: null, finishReason: 'stop' },
      { question: kept, requestId: 'a' },
    );
    await cache.lookUp(asked, 'b');
    await forgetAnswers(redis, [kept.hash, asked.hash, newQuestion().hash]);
    expect(await cache.lookUp(kept, 'c')).toBe('claimed');
    expect(await cacheWith().lookUp(asked, 'd')).toEqual({ asker: 'b' });
  });

  test('that was kept serves again, with its model and provider, and costs nothing', async () => {
    const question = newQuestion();
    const cache = cacheWith();
    expect(await answerOf(cache, question)).toBeUndefined();
    await cache.keep(of('session'), answer, { question, requestId: 'asker' });
    expect(await answerOf(cache, question)).toEqual({
      ...answer,
      usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0, cost: 0 },
    });
  });

  test.each([
    [0, 90_000],
    [0.5, 100_000],
    [0.999999, 110_000],
  ])('is kept for its time, give or take 10 %% (dice %p: %p ms)', async (dice, expectedMs) => {
    const question = newQuestion();
    const cache = cacheWith({ random: () => dice });
    await cache.keep(of('session'), answer, { question, requestId: 'asker' });
    await cache.keep(of(`session-${question.hash}`), answer);
    for (const key of [redisKeys.answer(question.hash), redisKeys.response(`session-${question.hash}`)]) {
      const leftMs = await redis.pttl(key);
      expect(leftMs).toBeLessThanOrEqual(expectedMs);
      expect(leftMs).toBeGreaterThan(expectedMs - 5_000);
    }
  });

  test('is kept up to the size that is set, in bytes of its entry, and not above', async () => {
    const { response, model, provider, finishReason } = answer;
    const bytes = Buffer.byteLength(JSON.stringify({ userId: 'ann', response, model, provider, finishReason }));
    const [fits, tooLarge] = [newQuestion(), newQuestion()];
    await cacheWith({ maxEntryBytes: bytes }).keep(of('session'), answer, { question: fits, requestId: 'asker' });
    await cacheWith({ maxEntryBytes: bytes - 1 }).keep(of('session'), answer, {
      question: tooLarge,
      requestId: 'asker',
    });
    expect(await answerOf(cacheWith(), fits)).toMatchObject({ response });
    expect(await answerOf(cacheWith(), tooLarge)).toBeUndefined();
  });

  test('is measured in bytes when it is kept for others, and when it is found', async () => {
    const { response, model, provider, finishReason } = answer;
    const bytes = Buffer.byteLength(JSON.stringify({ userId: 'ann', response, model, provider, finishReason }));
    const measured: [string, number][] = [];
    const options = { onBytes: (operation: string, size: number) => measured.push([operation, size]) };
    const question = newQuestion();
    await cacheWith(options).keep(of('session'), answer, { question, requestId: 'asker' });
    await cacheWith({ ...options, maxEntryBytes: 1 }).keep(of('session'), answer, {
      question: newQuestion(),
      requestId: 'asker',
    });
    await answerOf(cacheWith(options), question);
    await answerOf(cacheWith(options), newQuestion());
    expect(measured).toEqual([
      ['kept', bytes],
      ['hit', bytes],
    ]);
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
    const question = newQuestion();
    await redis.set(redisKeys.answer(question.hash), text);
    expect(await answerOf(cacheWith(), question)).toBeUndefined();
    expect(await redis.exists(redisKeys.answer(question.hash))).toBe(0);
  });

  test('(another type) is a miss, and gives way to the next answer', async () => {
    const question = newQuestion();
    await redis.lpush(redisKeys.answer(question.hash), 'one');
    expect(await answerOf(cacheWith(), question)).toBeUndefined();
    await cacheWith().keep(of('session'), answer, { question, requestId: 'asker' });
    expect(await answerOf(cacheWith(), question)).toMatchObject({ response: answer.response });
  });
});

describe("a session's last answer", () => {
  test('is found under its key, the latest one only', async () => {
    const cache = cacheWith();
    await cache.keep(of('session-4'), answer);
    await cache.keep(of('session-4'), { ...answer, response: 'Sleep.' });
    expect(JSON.parse((await redis.get('ai:response:session-4'))!)).toEqual({
      userId: 'ann',
      response: 'Sleep.',
      model: answer.model,
      provider: answer.provider,
      finishReason: 'stop',
    });
  });

  test('does not say in which trace it was asked; the shared answer does', async () => {
    const question = newQuestion();
    const cache = cacheWith();
    await cache.keep(of('session-5'), answer, { question, requestId: 'asker', askedIn: 'trace' });
    const { response, model, provider, finishReason } = answer;
    expect(JSON.parse((await redis.get('ai:response:session-5'))!)).toEqual({
      ...{ userId: 'ann', response, model, provider, finishReason },
    });
    expect(await cache.lookUp(question, 'other')).toMatchObject({ answer: { response }, askedIn: 'trace' });
  });

  test('is kept also if the answer is too large to be shared, and each of many answers lands where it belongs', async () => {
    const cache = cacheWith({ maxEntryBytes: 130 });
    const questions = Array.from({ length: 6 }, newQuestion);
    await Promise.all(
      questions.map((question, i) => {
        const response = i % 2 === 0 ? `short ${i}` : `long ${i} `.repeat(20);
        const given = { ...answer, response };
        return i < 4 ? cache.keep(of(`s-${i}`), given, { question, requestId: 'r' }) : cache.keep(of(`s-${i}`), given);
      }),
    );
    const last = await Promise.all(questions.map((_, i) => redis.get(redisKeys.response(`s-${i}`))));
    expect(last.map((text) => JSON.parse(text!).response.slice(0, 7).trim())).toEqual([
      'short 0',
      'long 1',
      'short 2',
      'long 3',
      'short 4',
      'long 5',
    ]);
    expect(await Promise.all(questions.map((question) => redis.exists(redisKeys.answer(question.hash))))).toEqual([
      1, 0, 1, 0, 0, 0,
    ]);
  });

  test('is forgotten on demand, and the shared answer stays', async () => {
    const question = newQuestion();
    const cache = cacheWith();
    await cache.keep(of('session'), answer, { question, requestId: 'asker' });
    await cache.keep(of('session-6'), answer);
    await cache.forgetSession('session-6');
    expect(await redis.exists(redisKeys.response('session-6'))).toBe(0);
    expect(await answerOf(cache, question)).toMatchObject({ response: answer.response });
  });
});

describe('a question that is being asked', () => {
  test('is asked by one request, and the others are woken when its answer is there', async () => {
    const question = newQuestion();
    const [one, other] = [cacheWith(), cacheWith()];
    const found = await Promise.all([
      one.lookUp(question, 'r-1'),
      other.lookUp(question, 'r-2'),
      one.lookUp(question, 'r-3'),
    ]);
    const asker = (await redis.get(redisKeys.answer(question.hash)))!.slice(1);
    expect(found).toEqual(['r-1', 'r-2', 'r-3'].map((id) => (id === asker ? 'claimed' : { asker })));
    const waiting = ['r-1', 'r-2', 'r-3'].filter((id) => id !== asker);
    for (const id of waiting) expect(await other.isAwaiting(question.hash, id)).toBe(true);
    expect((await one.keep(of('session'), answer, { question, requestId: asker })).toSorted()).toEqual(waiting);
    expect(await answerOf(other, question)).toMatchObject({ response: answer.response });
  });

  test('stays with the request that asks it when that comes again, and goes to the next when it gives up', async () => {
    const question = newQuestion();
    const cache = cacheWith();
    expect(await cache.lookUp(question, 'r-1')).toBe('claimed');
    expect(await cache.lookUp(question, 'r-1')).toBe('claimed');
    expect(await cache.lookUp(question, 'r-2')).toEqual({ asker: 'r-1' });
    expect(await cache.release(question.hash, 'r-2')).toEqual([]);
    expect(await cache.release(question.hash, 'r-1')).toEqual(['r-2']);
    expect(await cache.lookUp(question, 'r-2')).toBe('claimed');
  });
});

describe('a question that is asked in the same process', () => {
  test('is waited for a moment: its answer needs no waking', async () => {
    const question = newQuestion();
    const cache = cacheWith();
    expect(await cache.lookUp(question, 'r-1')).toBe('claimed');
    const other = cache.lookUp(question, 'r-2');
    expect(await cache.keep(of('session'), answer, { question, requestId: 'r-1' })).toEqual([]);
    // So an operator can see that a model call was saved.
    expect(await other).toMatchObject({ answer: { response: answer.response }, awaited: true });
    expect(await cache.lookUp(question, 'r-3')).not.toHaveProperty('awaited');
  });

  test('goes to one of those that have waited when it is given up', async () => {
    const question = newQuestion();
    const cache = cacheWith();
    expect(await cache.lookUp(question, 'r-1')).toBe('claimed');
    const others = ['r-2', 'r-3'].map((requestId) => cache.lookUp(question, requestId));
    await cache.release(question.hash, 'r-1');
    expect(await Promise.all(others)).toEqual(
      expect.arrayContaining(['claimed', { asker: expect.stringMatching(/^r-[23]$/) }]),
    );
  });

  test('is not waited for any more after its look-up has failed', async () => {
    const question = newQuestion();
    const late = new Redis(await testRedisUrl(), { enableOfflineQueue: false });
    try {
      const cache = createAnswerCache({
        redis: late,
        keys: plainCacheKeys,
        keepLast: true,
        ttlMs: TTL_MS,
        maxEntryBytes: 65_536,
      });
      // It is not connected yet.
      await expect(cache.lookUp(question, 'r-1')).rejects.toThrow();
      await once(late, 'ready');
      let found: unknown;
      void cache.lookUp(question, 'r-2').then((value) => {
        found = value;
      });
      // Once Redis knows the script, it answers in order. The wait would take longer.
      for (let i = 0; i < 3; i += 1) {
        await new Promise(setImmediate);
        await late.ping();
      }
      expect(found).toBe('claimed');
    } finally {
      late.disconnect();
    }
  });
});

test('a Redis that is out of reach rejects, so that the caller knows', async () => {
  const away = new Redis('redis://127.0.0.1:1', { lazyConnect: true, retryStrategy: () => null });
  away.on('error', () => {});
  const cache = createAnswerCache({
    redis: away,
    keys: plainCacheKeys,
    keepLast: true,
    ttlMs: TTL_MS,
    maxEntryBytes: 65_536,
  });
  await expect(cache.lookUp(newQuestion(), 'asker')).rejects.toThrow();
  await expect(cache.keep(of('session'), answer, { question: newQuestion(), requestId: 'asker' })).rejects.toThrow();
  await expect(cache.keep(of('session'), answer)).rejects.toThrow();
  await expect(cache.forgetSession('session')).rejects.toThrow();
});
