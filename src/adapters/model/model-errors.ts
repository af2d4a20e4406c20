import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { ModelPausedError, RequestFailure } from '../../contracts/errors.ts';

/** No pause is shorter, or a model that says `Retry-After: 0` would be asked in a tight loop. */
const MIN_PAUSE_MS = 1_000;
/** No request waits longer than a week. */
const MAX_PAUSE_MS = 7 * 24 * 3_600_000;

/** The question never left. */
const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

const CONTENT_FILTERED = 'The model refused the question or its answer because of its content.';
const CONTEXT_TOO_LONG = 'The conversation is too long for the model; start a new one.';
const UNREADABLE = 'The model gave an answer that cannot be read.';

/**
 * What an error of the `openai` client means for the request. Neither the message nor anything else of the result has
 * a text that the provider wrote, because that may quote the question or the key: it may be logged and shown.
 * @param now ms since the epoch, for a Retry-After that is a date
 */
export function mapModelError(error: unknown, now = Date.now()): RequestFailure {
  if (error instanceof RequestFailure) return error;
  // A timeout is a kind of connection error, and that is a kind of APIError.
  if (error instanceof APIConnectionTimeoutError) return modelTimedOut();
  if (error instanceof APIConnectionError) return unreachable(error.cause);
  if (error instanceof APIError && error.status !== undefined) return mapStatus(error, error.status, now);
  const { name, cause } = (error ?? {}) as Partial<Error>;
  // The client reads the body with JSON.parse, ...
  if (name === 'SyntaxError') return unreadableAnswer();
  // ... and fetch says with a TypeError that the connection broke within it.
  if (name === 'TypeError') return unreachable(cause);
  return new RequestFailure('internal_error', 'The model could not be asked.', { retryable: true });
}

export const modelTimedOut = () =>
  new RequestFailure('model_timeout', 'The model did not answer in time.', { retryable: true, mayBeCharged: true });

export const unreadableAnswer = () =>
  new RequestFailure('model_unavailable', UNREADABLE, { retryable: true, mayBeCharged: true });

export const contentFiltered = () =>
  new RequestFailure('model_content_filtered', CONTENT_FILTERED, { retryable: false });

/** @param spent whether all tokens it may write went elsewhere, such as into reasoning: the next try would be no other */
export const emptyAnswer = (spent: boolean) =>
  spent
    ? new RequestFailure('model_empty_answer', 'The model reached its longest answer before it said anything.', {
        retryable: false,
        mayBeCharged: true,
      })
    : new RequestFailure('model_empty_answer', 'The model gave an empty answer.', {
        retryable: true,
        mayBeCharged: true,
      });

function unreachable(cause: unknown): RequestFailure {
  const code = connectionCode(cause);
  if (code === 'UND_ERR_BODY_TIMEOUT') return modelTimedOut();
  const reason = code ? ` (${code})` : '';
  const mayBeCharged = !code || !NEVER_CONNECTED.test(code);
  return new RequestFailure('model_unreachable', `The connection to the model failed${reason}.`, {
    retryable: true,
    mayBeCharged,
  });
}

/** The first code of a system call, a TLS library or undici in a chain of causes, such as ECONNREFUSED. */
function connectionCode(cause: unknown): string | undefined {
  let error = cause as (Error & { code?: unknown }) | undefined | null;
  for (let depth = 0; error && depth < 5; depth += 1) {
    if (typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(error.code)) return error.code;
    error = error.cause as typeof error;
  }
  return undefined;
}

function mapStatus(error: APIError, status: number, now: number): RequestFailure {
  const fail = (code: FailureCode, message: string, retryable: boolean) =>
    new RequestFailure(code, message, { retryable });
  const said = reasonOf(error);
  const detail = said ? `${status}, ${said}` : `${status}`;

  if (isContentFilter(error)) return contentFiltered();
  if (isContextTooLong(error, status)) return fail('model_context_too_long', CONTEXT_TOO_LONG, false);
  if (status === 401 || status === 403) {
    return fail('model_unauthorized', `The model provider refused our key (${detail}).`, false);
  }
  if (status === 429 && said === 'insufficient_quota') {
    return fail('model_rate_limited', `The quota at the model provider is used up (${detail}).`, false);
  }
  if (status === 408) return modelTimedOut();
  if (status === 429 || status === 503) {
    const code = status === 429 ? 'model_rate_limited' : 'model_unavailable';
    const message =
      status === 429 ? 'The model takes no more requests for now.' : `The model is not available (${detail}).`;
    const pauseMs = retryAfterMs(error.headers, now);
    return pauseMs === undefined ? fail(code, message, true) : new ModelPausedError(code, message, pauseMs);
  }
  if (status === 409 || status >= 500)
    return fail('model_unavailable', `The model is not available (${detail}).`, true);
  return fail('model_rejected', `The model provider refused the request (${detail}).`, false);
}

/** The provider's own short code, if it is one: a word that cannot be a text or a key. */
function reasonOf(error: APIError): string | undefined {
  return [error.code, error.type].find((word) => typeof word === 'string' && /^[a-z]+(_[a-z]+){1,5}$/.test(word)) as
    | string
    | undefined;
}

function isContentFilter(error: APIError): boolean {
  const inner = (error.error as { innererror?: { code?: unknown } } | undefined)?.innererror?.code;
  return (
    ['content_filter', 'content_policy_violation', 'moderation_blocked'].includes(error.code ?? '') ||
    inner === 'ResponsibleAIPolicyViolation'
  );
}

/** Servers other than OpenAI's say it in the message only. */
function isContextTooLong(error: APIError, status: number): boolean {
  if (error.code === 'context_length_exceeded' || status === 413) return true;
  return (
    status === 400 &&
    /maximum context length|context (length|window|size).{0,60}exceed|exceed.{0,60}context (length|window|size)/i.test(
      error.message,
    )
  );
}

/** Of `Retry-After` (seconds or a date) or OpenAI's `retry-after-ms`; undefined if there is none that can be read. */
function retryAfterMs(headers: Headers | undefined, now: number): number | undefined {
  const ms = headers?.get('retry-after-ms') ?? '';
  const after = headers?.get('retry-after')?.trim() ?? '';
  let pauseMs = Number.NaN;
  if (/^\d+(\.\d+)?$/.test(ms)) pauseMs = Number(ms);
  else if (/^\d+(\.\d+)?$/.test(after)) pauseMs = Number(after) * 1000;
  else if (/^[A-Z][a-z]{2}/.test(after)) pauseMs = Date.parse(after) - now;
  return Number.isNaN(pauseMs) ? undefined : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, Math.ceil(pauseMs)));
}
