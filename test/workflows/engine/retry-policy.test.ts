import { expect, test } from '@jest/globals';
import {
  AnswerUnderWayError,
  BrokerUnavailableError,
  ModelPausedError,
  RequestFailure,
} from '../../../src/contracts/errors.ts';
import { backoffMs, decide } from '../../../src/workflows/engine/retry-policy.ts';

const request = { attemptsMade: 0, maxAttempts: 3, deadlineAt: 60_000, now: 0 };
const unavailable = new RequestFailure('model_unavailable', 'The model is unavailable.');

test('an error that may pass is retried until no attempt is left, and its code is what the user is told', () => {
  expect(decide(unavailable, request)).toEqual({ kind: 'retry' });
  expect(decide(unavailable, { ...request, attemptsMade: 1 })).toEqual({ kind: 'retry' });
  expect(decide(unavailable, { ...request, attemptsMade: 2 })).toEqual({
    kind: 'fail',
    failure: { code: 'model_unavailable', cause: 'The model is unavailable.' },
  });
});

test('an error that cannot pass fails at the first attempt', () => {
  const rejected = new RequestFailure('model_rejected', 'The model refused.');
  expect(decide(rejected, request)).toMatchObject({ kind: 'fail', failure: { code: 'model_rejected' } });
});

test('a model that asks to wait is waited for, however often, and not beyond the deadline', () => {
  const paused = (ms: number) => new ModelPausedError('model_rate_limited', 'Slow down.', ms);
  expect(decide(paused(5_000), { ...request, attemptsMade: 99 })).toEqual({ kind: 'wait', delayMs: 5_000 });
  expect(decide(paused(3_600_000), request)).toEqual({ kind: 'wait', delayMs: 60_000 });
  expect(decide(paused(5_000), { ...request, now: 70_000 })).toEqual({ kind: 'wait', delayMs: 0 });
});

test('another’s answer is waited for, and not beyond the deadline', () => {
  const underWay = new AnswerUnderWayError('hash', 10_000);
  expect(decide(underWay, request)).toEqual({ kind: 'wait', delayMs: 10_000 });
  expect(decide(underWay, { ...request, now: 55_000 })).toEqual({ kind: 'wait', delayMs: 5_000 });
  expect(decide(underWay, { ...request, now: 60_000 })).toMatchObject({
    kind: 'fail',
    failure: { code: 'deadline_exceeded' },
  });
});

test('a broker that is away uses up no attempt', () => {
  expect(decide(new BrokerUnavailableError('gone'), { ...request, attemptsMade: 2 })).toMatchObject({ kind: 'wait' });
});

test('an error nobody foresaw is retried, then fails without telling its text', () => {
  expect(decide(new TypeError('x is secret'), request)).toEqual({ kind: 'retry' });
  const decision = decide(new TypeError('x is secret'), { ...request, attemptsMade: 2 });
  expect(decision).toMatchObject({ kind: 'fail', failure: { code: 'internal_error' } });
  expect(JSON.stringify(decision)).not.toContain('secret');
});

test('the backoff doubles, is jittered over its whole range, and never exceeds its cap', () => {
  const at = (attemptsMade: number, random: number) =>
    backoffMs(attemptsMade, { baseMs: 1_000, maxMs: 5_000, random: () => random });
  expect([1, 2, 3, 4, 5, 500].map((attempts) => at(attempts, 1))).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  expect(at(3, 0)).toBe(0);
  expect(at(3, 0.5)).toBe(2_000);
});

test('a request that is late, or whose answer may have been paid for, is not tried again, though its user may', () => {
  for (const code of ['deadline_exceeded', 'spend_uncertain'] as const) {
    const error = new RequestFailure(code, 'over');
    const request = { attemptsMade: 0, maxAttempts: 5, deadlineAt: Number.POSITIVE_INFINITY, now: 0 };
    expect(decide(error, request)).toMatchObject({ kind: 'fail', failure: { code } });
    expect(error.retryable).toBe(true);
  }
});

test('two full calls in vain are enough for one request; other failures do not count', () => {
  const timedOut = new RequestFailure('model_timeout', 'too slow', { costlyCalls: 1 });
  expect(decide(timedOut, { ...request, costlyCalls: 1 })).toEqual({ kind: 'retry' });
  expect(decide(timedOut, { ...request, costlyCalls: 2 })).toMatchObject({ failure: { code: 'model_timeout' } });
  expect(decide(unavailable, { ...request, costlyCalls: 2 })).toEqual({ kind: 'retry' });
});
