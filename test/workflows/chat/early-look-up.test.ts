import { expect, test } from '@jest/globals';
import { RequestFailure, StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { lookUpEarly } from '../../../src/workflows/chat/early-look-up.ts';
import { answer, jobData, standInCache, standInModel, standInRecordedCalls } from '../stand-ins.ts';

const { request } = jobData();
const settings = { cacheEnabled: true };
const model = standInModel();
const recordedCalls = standInRecordedCalls();

test('a question is looked up before its job is written, under the hash that its attempt will use', async () => {
  const cache = standInCache({ lookUp: async () => ({ answer }) });
  const early = lookUpEarly({ model, cache, recordedCalls, settings }, request)!;
  expect((await early.questions)?.own.hash).toBe('hash');
  expect(await early.found).toEqual({ answer });
});

test.each([
  ['the cache is off', request, { cacheEnabled: false }],
  ['the request wants no cached answer', { ...request, cache: false }, settings],
])('nothing is looked up where %s', (_, asked, given) => {
  const cache = standInCache({ lookUp: () => Promise.reject(new Error('looked up')) });
  expect(lookUpEarly({ model, cache, recordedCalls, settings: given }, asked)).toBeUndefined();
});

test('a model that is not allowed is not looked up, and does not keep the job from being written', async () => {
  const strict = {
    parametersOf: () => {
      throw new RequestFailure('model_not_allowed', 'not this one');
    },
  };
  const cache = standInCache({ lookUp: () => Promise.reject(new Error('looked up')) });
  const early = lookUpEarly({ model: strict, cache, recordedCalls, settings }, request)!;
  await expect(early.found).rejects.toMatchObject({ code: 'model_not_allowed' });
});

test('a claim whose job is not begun with is left to whoever takes the job up, also where the look-up failed', async () => {
  for (const lookUp of [async () => 'claimed' as const, () => Promise.reject(new StoreUnavailableError('gone'))]) {
    const left = await new Promise((resolve) => {
      const cache = standInCache({ lookUp, leave: (...claim) => resolve(claim) });
      lookUpEarly({ model, cache, recordedCalls, settings }, request)!.drop();
    });
    expect(left).toEqual(['hash', 'r']);
  }
});

test('keys that are out of reach cost a model call, and no answer', async () => {
  const cache = standInCache({
    questionOf: () => Promise.reject(new StoreUnavailableError('gone')),
    lookUp: () => Promise.reject(new Error('looked up')),
  });
  expect(await lookUpEarly({ model, cache, recordedCalls, settings }, request)!.found).toBeUndefined();
});
