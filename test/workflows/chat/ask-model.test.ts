import { expect, test } from '@jest/globals';
import type { Model } from '../../../src/adapters/model/model.ts';
import { RequestCancelledError, RequestFailure } from '../../../src/contracts/errors.ts';
import { askModel } from '../../../src/workflows/chat/ask-model.ts';
import { answer, jobData, standInModel } from '../stand-ins.ts';

const { request } = jobData();

async function ask(model: Model['ask'], { deadlineAt = Number.POSITIVE_INFINITY, signal = neverAborted } = {}) {
  const uncertain: string[] = [];
  const asked = askModel(standInModel(model), request, { number: 2, deadlineAt, signal }, (why) => uncertain.push(why));
  return { result: await asked.catch((error: unknown) => error), uncertain };
}
const neverAborted = new AbortController().signal;

test('the model is asked once, and its answer comes with the time it took', async () => {
  const calls: unknown[][] = [];
  const { result, uncertain } = await ask(async (...call) => {
    calls.push(call);
    return answer;
  });
  expect(result).toEqual({ answer, modelMs: expect.any(Number) });
  expect(calls).toEqual([[request, neverAborted, 2, {}]]);
  expect(uncertain).toEqual([]);
});

test('a question whose deadline has passed is not asked', async () => {
  const { result } = await ask(() => Promise.reject(new Error('asked')), { deadlineAt: Date.now() });
  expect(result).toMatchObject({ code: 'deadline_exceeded' });
});

test.each([
  [
    'that may be charged without an answer',
    new RequestFailure('model_timeout', 'slow', { mayBeCharged: true }),
    ['no answer'],
  ],
  ['that the provider refused', new RequestFailure('model_rejected', 'no'), []],
])('a call %s is counted as uncertain spend only if it may cost something', async (_, error, counted) => {
  const { result, uncertain } = await ask(() => Promise.reject(error));
  expect(result).toBe(error);
  expect(uncertain).toEqual(counted);
});

test('a call that its user cut short may have to be paid for', async () => {
  const controller = new AbortController();
  const reason = new RequestCancelledError();
  const { result, uncertain } = await ask(
    async () => {
      controller.abort(reason);
      throw reason;
    },
    { signal: controller.signal },
  );
  expect(result).toBe(reason);
  expect(uncertain).toEqual(['aborted']);
});
