import type { KnownFailure } from '../../adapters/jobs/chat-job.ts';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { AnswerUnderWayError, HealifyError, ModelPausedError, RequestFailure } from '../../contracts/errors.ts';

/**
 * What becomes of an attempt that threw:
 * - *wait*: what we need is away, which is not the request's fault; go on later, no attempt is used up
 * - *retry*: try again after a backoff, which uses up an attempt
 * - *fail*: for good
 */
export type Decision = { kind: 'wait'; delayMs: number } | { kind: 'retry' } | { kind: 'fail'; failure: KnownFailure };

/** Wait for a broker or store that is away; its clients connect again by themselves meanwhile. */
const DEPENDENCY_WAIT_MS = 2_000;

/** The user may ask again, but we must not: nobody waits any more, or the model may have been paid already. */
const FINAL: readonly FailureCode[] = ['deadline_exceeded', 'spend_uncertain'];

export const deadlineExceeded = () =>
  new RequestFailure('deadline_exceeded', 'the request was not answered before its deadline');

/** How many full calls without an answer one request may cost at most, such as calls that ran into their timeout. */
const MOST_COSTLY_CALLS = 2;

export const knownFailureOf = ({ code, message, provider }: RequestFailure): KnownFailure => ({
  code,
  cause: message,
  ...(provider !== undefined && { provider }),
});

const failed = (error: RequestFailure): Decision => ({ kind: 'fail', failure: knownFailureOf(error) });

/**
 * @param request.attemptsMade attempts before this one
 * @param request.costlyCalls full calls without an answer so far, including those of this attempt
 */
export function decide(
  error: unknown,
  request: { attemptsMade: number; maxAttempts: number; deadlineAt: number; now: number; costlyCalls?: number },
): Decision {
  if (error instanceof AnswerUnderWayError && request.now >= request.deadlineAt) return failed(deadlineExceeded());
  if (error instanceof ModelPausedError || error instanceof AnswerUnderWayError) {
    // Not beyond the deadline: there the request is told that nobody waits any more.
    const untilDeadline = Math.max(0, request.deadlineAt - request.now);
    return { kind: 'wait', delayMs: Math.min(error.retryAfterMs, untilDeadline) };
  }
  if (error instanceof RequestFailure) {
    const costly = error.costlyCalls > 0 && (request.costlyCalls ?? 0) >= MOST_COSTLY_CALLS;
    const mayRetry = error.retryable && !costly && !FINAL.includes(error.code);
    if (mayRetry && request.attemptsMade + 1 < request.maxAttempts) return { kind: 'retry' };
    return failed(error);
  }
  // The broker or the store.
  if (error instanceof HealifyError && error.retryable) return { kind: 'wait', delayMs: DEPENDENCY_WAIT_MS };
  if (request.attemptsMade + 1 < request.maxAttempts) return { kind: 'retry' };
  return {
    kind: 'fail',
    failure: { code: 'internal_error', cause: 'an error that nobody foresaw; see the log' },
  };
}

/**
 * Exponential backoff with full jitter, in ms: anything up to the base after the first attempt, up to twice as much
 * after each further one, never over the cap.
 */
export const backoffMs = (
  attemptsMade: number,
  { baseMs, maxMs, random = Math.random }: { baseMs: number; maxMs: number; random?: () => number },
): number => Math.ceil(random() * Math.min(maxMs, baseMs * 2 ** Math.min(attemptsMade - 1, 30)));
