import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createAnswerCache } from '../../../src/adapters/answers/answer-cache.ts';
import { createAnswersOfUser, notedAnswers } from '../../../src/adapters/answers/answers-of-user.ts';
import { countAnswers, eraseAnswers, readAnswers } from '../../../src/adapters/answers/kept-answers.ts';
import { plainCacheKeys } from '../../../src/contracts/cache-keys.ts';
import { redisKeys } from '../../../src/contracts/redis-keys.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';
import { answer } from '../../workflows/stand-ins.ts';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

async function noted(userId: string) {
  const found = [];
  for await (const each of notedAnswers(redis, userId)) found.push(each);
  return found;
}

test('what is kept of a user is found by the user alone, and erased with what was noted of it', async () => {
  const [ann, bob] = [randomUUID(), randomUUID()];
  const answers = createAnswersOfUser({ redis, keepLast: true, ttlMs: 60_000 });
  const [sessionId, hash] = ['session:s', randomUUID().replaceAll('-', '')];
  await answers.note(ann, { sessionId, hashes: [hash] });
  await answers.note(bob, { sessionId: 'of bob', hashes: [] });
  await redis.set(redisKeys.response(sessionId), '{}');
  await redis.set(redisKeys.answer(hash), '{}');
  const found = await noted(ann);
  expect(found).toEqual(
    expect.arrayContaining([
      { sessionId, hashes: [] },
      { sessionId: '', hashes: [hash] },
    ]),
  );
  const of = { sessionIds: [sessionId], answerKeys: [hash] };
  expect(await countAnswers(redis, ann, of)).toEqual({ last: 1, cached: 1 });
  await eraseAnswers(redis, ann, of);
  expect(await countAnswers(redis, ann, of)).toEqual({ last: 0, cached: 0 });
  expect(await redis.exists(redisKeys.answersOfUser(ann))).toBe(0);
  expect(await noted(bob)).toEqual([{ sessionId: 'of bob', hashes: [] }]);
});

test('a session’s last answer to another user is nobody else’s', async () => {
  const [ann, bob] = [randomUUID(), randomUUID()];
  const sessionId = randomUUID();
  const cache = createAnswerCache({
    ...{ redis, keys: plainCacheKeys, keepLast: true, ttlMs: 60_000, maxEntryBytes: 65_536 },
  });
  await cache.keep({ sessionId, userId: bob }, answer);
  const of = { sessionIds: [sessionId], answerKeys: [] };
  expect(await countAnswers(redis, ann, of)).toEqual({ last: 0, cached: 0 });
  expect((await readAnswers({ redis, keys: plainCacheKeys }, ann, of)).last).toEqual([]);
  expect(await countAnswers(redis, bob, of)).toEqual({ last: 1, cached: 0 });
  const { last } = await readAnswers({ redis, keys: plainCacheKeys }, bob, of);
  expect(last).toEqual([{ sessionId, answer: expect.objectContaining({ userId: bob, response: answer.response }) }]);
  cache.close();
});

test('more notes than are read at a time are all given', async () => {
  const userId = randomUUID();
  const answers = createAnswersOfUser({ redis, keepLast: false, ttlMs: 60_000 });
  const hashes = Array.from({ length: 250 }, (_, i) => `h${i}`);
  await answers.note(userId, { sessionId: 's', hashes });
  expect((await noted(userId)).flatMap((each) => each.hashes).sort()).toEqual(hashes.sort());
  await answers.forget(userId, { sessionId: 's', hashes: hashes.slice(1) });
  expect(await noted(userId)).toEqual([{ sessionId: '', hashes: ['h0'] }]);
});

test('a note is gone once nothing is kept any more, and where no last answer is kept, no session is noted', async () => {
  const userId = randomUUID();
  const answers = createAnswersOfUser({ redis, keepLast: false, ttlMs: 100 });
  await answers.note(userId, { sessionId: 's', hashes: ['h'] });
  await answers.note(userId, { sessionId: 's', hashes: [] });
  expect(await noted(userId)).toEqual([{ sessionId: '', hashes: ['h'] }]);
  await until('the note is gone', async () => (await redis.exists(redisKeys.answersOfUser(userId))) === 0);
});
