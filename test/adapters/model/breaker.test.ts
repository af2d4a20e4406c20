import { afterEach, describe, expect, jest, test } from '@jest/globals';
import {
  type Breaker,
  type BreakerOptions,
  type BreakerState,
  createBreaker,
} from '../../../src/adapters/model/breaker.ts';
import type { Model, ModelAnswer } from '../../../src/adapters/model/model.ts';
import type { FailureCode } from '../../../src/contracts/error-codes.ts';
import { ModelPausedError, RequestFailure } from '../../../src/contracts/errors.ts';

const answer: ModelAnswer = {
  response: 'Yes.',
  model: 'm',
  provider: 'p',
  usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cost: null },
};
const question = { message: 'Is it?', context: [] };
const never = new AbortController().signal;
const OPEN_MS = 15_000;

const breakers: Breaker[] = [];

afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.close();
  jest.useRealTimers();
});

const failure = (code: FailureCode, retryable = true) => new RequestFailure(code, 'no', { retryable });
const unwell = () => failure('model_unavailable');

/** A breaker before a model whose calls the test settles, on a clock that the test moves. */
function setUp(options: Partial<BreakerOptions> = {}) {
  jest.useFakeTimers();
  const calls: PromiseWithResolvers<ModelAnswer>[] = [];
  const model: Model = {
    parametersOf: () => ({ provider: 'p', body: { model: 'm', messages: [] } }),
    ask: (_, signal) => {
      const call = Promise.withResolvers<ModelAnswer>();
      calls.push(call);
      signal.addEventListener('abort', () => call.reject(signal.reason));
      return call.promise;
    },
  };
  const states: BreakerState[] = [];
  const breaker = createBreaker(model, {
    errorPercent: 50,
    minCalls: 4,
    openMs: OPEN_MS,
    onStateChange: (state) => states.push(state),
    random: () => 0,
    ...options,
  });
  breakers.push(breaker);

  /** Begins a call; `settled` is what became of it. */
  const begin = (signal = never) => {
    const before = calls.length;
    const settled = breaker.ask(question, signal).catch((error: unknown) => error);
    return { settled, call: calls[before] };
  };
  const succeed = async () => {
    const { settled, call } = begin();
    call!.resolve(answer);
    return await settled;
  };
  const fail = async (error: Error = unwell()) => {
    const { settled, call } = begin();
    call!.reject(error);
    return await settled;
  };
  const open = async () => {
    for (let call = 0; call < 4; call += 1) await fail();
    expect(breaker.state).toBe('open');
  };
  const halfOpen = async () => {
    await open();
    jest.advanceTimersByTime(OPEN_MS);
    expect(breaker.state).toBe('half-open');
  };
  return { breaker, calls, states, begin, succeed, fail, open, halfOpen };
}

describe('closed', () => {
  test('questions pass, and so do answers and failures as they are', async () => {
    const { breaker, succeed, fail } = setUp();
    expect(await succeed()).toBe(answer);
    const error = unwell();
    expect(await fail(error)).toBe(error);
    expect(breaker.state).toBe('closed');
    expect(breaker.parametersOf(question).provider).toBe('p');
  });

  test('fewer calls than it takes do not open it, the next one does', async () => {
    const { breaker, fail, states } = setUp();
    for (let call = 0; call < 3; call += 1) await fail();
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
    expect(states).toEqual(['open']);
  });

  test('it opens at the share of failures that is set, not below', async () => {
    const below = setUp({ errorPercent: 50, minCalls: 1 });
    for (let call = 0; call < 3; call += 1) await below.succeed();
    for (let call = 0; call < 2; call += 1) await below.fail();
    expect(below.breaker.state).toBe('closed');
    await below.fail();
    expect(below.breaker.state).toBe('open');
  });

  test('with 100 % it opens when every call fails', async () => {
    const { breaker, open } = setUp({ errorPercent: 100 });
    await open();
    expect(breaker.state).toBe('open');
  });

  test.each(['model_unavailable', 'model_rate_limited', 'model_timeout', 'model_unreachable'] as const)(
    '%s counts against the model',
    async (code) => {
      const { breaker, fail } = setUp();
      for (let call = 0; call < 4; call += 1) await fail(failure(code));
      expect(breaker.state).toBe('open');
    },
  );

  test('a model that asks to be left alone counts against it', async () => {
    const { breaker, fail } = setUp();
    for (let call = 0; call < 4; call += 1) await fail(new ModelPausedError('model_rate_limited', 'no', 5_000));
    expect(breaker.state).toBe('open');
  });

  test.each([
    failure('model_rejected', false),
    failure('model_unauthorized', false),
    failure('model_content_filtered', false),
    failure('model_context_too_long', false),
    failure('model_empty_answer'),
    failure('model_rate_limited', false),
    failure('internal_error'),
    new Error('the worker is stopping'),
  ])('%s does not', async (error) => {
    const { breaker, fail } = setUp();
    for (let call = 0; call < 20; call += 1) await fail(error);
    expect(breaker.state).toBe('closed');
  });

  test('failures are forgotten after 10 s', async () => {
    const { breaker, fail } = setUp();
    for (let call = 0; call < 3; call += 1) await fail();
    jest.advanceTimersByTime(11_000);
    for (let call = 0; call < 3; call += 1) await fail();
    expect(breaker.state).toBe('closed');
  });

  test('calls that take a minute to fail open it all the same', async () => {
    const { breaker, begin } = setUp();
    const slow = Array.from({ length: 4 }, () => begin());
    jest.advanceTimersByTime(60_000);
    for (const { call } of slow) call!.reject(failure('model_timeout'));
    await Promise.all(slow.map(({ settled }) => settled));
    expect(breaker.state).toBe('open');
  });
});

describe('open', () => {
  test('questions are refused at once, with the time that is left', async () => {
    const { begin, open } = setUp();
    await open();
    jest.advanceTimersByTime(5_000);
    const { settled, call } = begin();
    expect(call).toBeUndefined();
    const refusal = await settled;
    expect(refusal).toBeInstanceOf(ModelPausedError);
    expect(refusal).toMatchObject({ code: 'model_unavailable', retryAfterMs: 10_000 });
  });

  test('those who were refused are spread over a tenth of the open time', async () => {
    const { begin, open } = setUp({ random: () => 0.999 });
    await open();
    const { retryAfterMs } = (await begin().settled) as ModelPausedError;
    expect(retryAfterMs).toBeGreaterThan(OPEN_MS * 1.09);
    expect(retryAfterMs).toBeLessThanOrEqual(OPEN_MS * 1.1);
  });

  test('a call from before may finish, and changes nothing', async () => {
    const { breaker, begin, open } = setUp();
    const early = begin();
    await open();
    early.call!.resolve(answer);
    expect(await early.settled).toBe(answer);
    expect(breaker.state).toBe('open');
  });
});

describe('half-open', () => {
  test('one question probes the model, the others wait a little', async () => {
    const { begin, calls, halfOpen } = setUp();
    await halfOpen();
    const before = calls.length;
    const probe = begin();
    const others = await Promise.all([begin().settled, begin().settled]);
    expect(calls.length).toBe(before + 1);
    for (const other of others) {
      expect(other).toBeInstanceOf(ModelPausedError);
      expect(other).toMatchObject({ retryAfterMs: 1_000 });
    }
    probe.call!.resolve(answer);
    expect(await probe.settled).toBe(answer);
  });

  test('a probe that is answered closes it', async () => {
    const { breaker, succeed, states, halfOpen } = setUp();
    await halfOpen();
    expect(await succeed()).toBe(answer);
    expect(breaker.state).toBe('closed');
    expect(await succeed()).toBe(answer);
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  test('a probe that is refused for its content closes it: the model is there', async () => {
    const { breaker, fail, halfOpen } = setUp();
    await halfOpen();
    await fail(failure('model_content_filtered', false));
    expect(breaker.state).toBe('closed');
  });

  test('a probe that fails opens it for the whole time again', async () => {
    const { breaker, begin, fail, states, halfOpen } = setUp();
    await halfOpen();
    await fail();
    expect(breaker.state).toBe('open');
    expect(await begin().settled).toMatchObject({ retryAfterMs: OPEN_MS });
    jest.advanceTimersByTime(OPEN_MS);
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open']);
  });

  test('a probe whose caller gives up says nothing, and the next question is the probe', async () => {
    const { breaker, begin, succeed, halfOpen } = setUp();
    await halfOpen();
    const caller = new AbortController();
    const probe = begin(caller.signal);
    const reason = failure('deadline_exceeded');
    caller.abort(reason);
    expect(await probe.settled).toBe(reason);
    expect(breaker.state).toBe('half-open');
    expect(await succeed()).toBe(answer);
    expect(breaker.state).toBe('closed');
  });

  test('calls from before it opened neither close it nor open it', async () => {
    const { breaker, begin, open } = setUp();
    const late = [begin(), begin()];
    await open();
    jest.advanceTimersByTime(OPEN_MS);
    late[0]!.call!.resolve(answer);
    late[1]!.call!.reject(unwell());
    await Promise.all(late.map(({ settled }) => settled));
    expect(breaker.state).toBe('half-open');
  });
});

test('after it is closed for good, questions pass', async () => {
  const { breaker, open, succeed } = setUp();
  await open();
  breaker.close();
  expect(await succeed()).toBe(answer);
});
