import { expect, test } from '@jest/globals';
import type { LookUp } from '../../../src/adapters/answers/answer-cache.ts';
import { AnswerUnderWayError, StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { checkCache } from '../../../src/workflows/chat/check-cache.ts';
import { answer, question, standInCache } from '../stand-ins.ts';

async function check(found: () => Promise<LookUp>, early?: Promise<LookUp>) {
  const followed: string[] = [];
  const counted: string[] = [];
  let lookUps = 0;
  const cache = standInCache({
    lookUp: () => {
      lookUps += 1;
      return found();
    },
  });
  const result = await checkCache(
    cache,
    { question, requestId: 'r', log: { follow: async (asker) => void followed.push(asker) } },
    (lookUp) => counted.push(lookUp),
    early,
  ).catch((error: unknown) => error);
  return { result, counted, lookUps, followed };
}

test('an answer that was given before is given again', async () => {
  expect(await check(async () => ({ answer }))).toMatchObject({
    result: answer,
    counted: ['hit'],
    lookUps: 1,
    followed: [],
  });
});

test('an answer that another request of this process was asking for counts as a call that was saved', async () => {
  expect(await check(async () => ({ answer, awaited: true }))).toMatchObject({ result: answer, counted: ['joined'] });
});

test('a question that nobody has asked is this request’s to ask', async () => {
  expect(await check(async () => 'claimed')).toMatchObject({ result: undefined, counted: ['miss'] });
});

test('a question that another request asks is waited for, no longer than that one’s lease, and its log is shown', async () => {
  const { result, counted, followed } = await check(async () => ({ asker: 'another' }));
  expect(result).toBeInstanceOf(AnswerUnderWayError);
  expect(result).toMatchObject({ hash: 'hash', retryAfterMs: 10_000 });
  expect(counted).toEqual(['under way']);
  expect(followed).toEqual(['another']);
});

test('a cache that is out of reach costs a model call, and no answer', async () => {
  const away = () => Promise.reject(new StoreUnavailableError('gone'));
  expect(await check(away)).toMatchObject({ result: undefined, counted: ['error'] });
});

test('a look-up that is under way is not repeated', async () => {
  const again = () => Promise.reject(new Error('looked up again'));
  expect(await check(again, Promise.resolve({ answer }))).toMatchObject({
    result: answer,
    counted: ['hit'],
    lookUps: 0,
  });
});
