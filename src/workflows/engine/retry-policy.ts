import type { KnownFailure } from '../../adapters/jobs/chat-job.ts';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { AnswerUnderWayError, HealifyError, ModelPausedError, RequestFailure } from '../../contracts/errors.ts';

/**
 * What happens after an attempt that threw an error:
 * - *wait*: something that we need is out of reach, which is not the request's fault. This uses up no attempt
 * - *retry*: try again after a backoff. This uses up an attempt
 * - *fail* for good
 */
export type Decision = { kind: 'wait'; delayMs: number } | { kind: 'retry' } | { kind: 'fail'; failure: KnownFailure };

/** How long to wait for a broker or store that is out of reach. Its client reconnects by itself meanwhile. */
const DEPENDENCY_WAIT_MS = 2_000;

/**
 * Failures after which the user may ask again, but we must not: nobody waits any more, or the model may have been paid.
 */
const FINAL: readonly FailureCode[] = ['deadline_exceeded', 'spend_uncertain'];

export const deadlineExceeded = () =>
  new RequestFailure('deadline_exceeded', 'the request was not answered before its deadline');

/** How many full calls without an answer a request may make. An example is a call that ended with a timeout. */
const MOST_COSTLY_CALLS = 2;

export const knownFailureOf = ({ code, message, provider }: RequestFailure): KnownFailure => ({
  code,
  cause: message,
  ...(provider !== undefined && { provider }),
});

const failed = (error: RequestFailure): Decision => ({ kind: 'fail', failure: knownFailureOf(error) });

/**
 * Decides what happens after an error.
 * @param request.attemptsMade how many attempts there were before this one
 * @param request.costlyCalls how many full calls brought no answer, including those of this attempt
 */
export function decide(
  error: unknown,
  request: { attemptsMade: number; maxAttempts: number; deadlineAt: number; now: number; costlyCalls?: number },
): Decision {
  if (error instanceof AnswerUnderWayError && request.now >= request.deadlineAt) return failed(deadlineExceeded());
  if (error instanceof ModelPausedError || error instanceof AnswerUnderWayError) {
    // Do not wait beyond the deadline. At the deadline, the user is told that there was no answer in time.
    const untilDeadline = Math.max(0, request.deadlineAt - request.now);
    return { kind: 'wait', delayMs: Math.min(error.retryAfterMs, untilDeadline) };
  }
  if (error instanceof RequestFailure) {
    const costly = error.costlyCalls > 0 && (request.costlyCalls ?? 0) >= MOST_COSTLY_CALLS;
    const mayRetry = error.retryable && !costly && !FINAL.includes(error.code);
    if (mayRetry && request.attemptsMade + 1 < request.maxAttempts) return { kind: 'retry' };
    return failed(error);
  }
  // The broker or the store is out of reach.
  if (error instanceof HealifyError && error.retryable) return { kind: 'wait', delayMs: DEPENDENCY_WAIT_MS };
  if (request.attemptsMade + 1 < request.maxAttempts) return { kind: 'retry' };
  return {
    kind: 'fail',
    failure: { code: 'internal_error', cause: 'an unforeseen error; see the log' },
  };
}

/**
 * Exponential backoff with full jitter, in ms. After the first attempt it is a random time up to the base. The limit
 * doubles with each further attempt, up to the cap.
 */
export const backoffMs = (
  attemptsMade: number,
  { baseMs, maxMs, random = Math.random }: { baseMs: number; maxMs: number; random?: () => number },
): number => Math.ceil(random() * Math.min(maxMs, baseMs * 2 ** Math.min(attemptsMade - 1, 30)));
