import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { saysUnavailable } from '../adapters/redis/reply-errors.ts';
import { type ApiErrorCode, apiErrors } from '../contracts/error-codes.ts';
import { ApiError, BrokerUnavailableError, StoreUnavailableError, UnroutableError } from '../contracts/errors.ts';
import type { Problem } from '../contracts/http/problem.ts';
import { safeMessage } from '../contracts/safe-message.ts';
import { traceIdOf } from '../contracts/traceparent.ts';
import { addressOf } from './base-path.ts';
import { idsOf } from './request-log.ts';

/** When RabbitMQ or Redis is back, we reconnect within a few seconds. */
const RETRY_AFTER_SECONDS = 5;

/** Turns an error into what the caller is told. An unforeseen error becomes `internal_error`. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreUnavailableError || saysUnavailable(error)) {
    return new ApiError('store_unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS, cause: error });
  }
  if (error instanceof BrokerUnavailableError || error instanceof UnroutableError) {
    return new ApiError('broker_unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS, cause: error });
  }
  const status = (error as { status?: unknown } | undefined)?.status;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ApiError(codeOfClientFault(error, status), { cause: error });
  }
  return new ApiError('internal_error', { cause: error });
}

/** Express and its body parser give faults of a request a status. */
function codeOfClientFault(error: unknown, status: number): ApiErrorCode {
  // There is nothing at a path with broken percent-encoding.
  if (error instanceof URIError || status === 404) return 'not_found';
  if (status === 413) return 'payload_too_large';
  if (status === 415) return 'unsupported_media_type';
  return 'malformed_json';
}

/** The last middleware. It replies with an RFC 9457 problem document, and logs the errors on our side. */
export const answerWithProblem: ErrorRequestHandler = (error, req, res, next) => {
  const problem = toApiError(error);
  logProblem(req.log, idsOf(req, res), problem);
  if (res.headersSent) {
    next(error);
    return;
  }
  res.locals.problemCode = problem.code;
  if (problem.retryAfterSeconds !== undefined) res.set('Retry-After', String(problem.retryAfterSeconds));
  if (problem.status === 401 && !res.hasHeader('WWW-Authenticate')) res.set('WWW-Authenticate', 'Bearer');
  const body = problemBody(problem, {
    type: addressOf(req, problemPath(problem.code)),
    instance: req.originalUrl.split('?', 1)[0]!,
    traceId: traceIdOf(req.traceparent),
  });
  res
    .status(problem.status)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(body));
};

/** Logs an error on our side. */
export function logProblem(log: Pick<Logger, 'error' | 'warn'>, ids: object, problem: ApiError): void {
  if (problem.code === 'internal_error') {
    log.error({ ...ids, err: problem.cause ?? problem }, 'an unforeseen error');
  } else if (problem.status >= 500) {
    log.warn({ ...ids, code: problem.code, reason: safeMessage(rootCause(problem)) }, 'refused for now');
  }
}

/** @param where what only the way in knows */
export const problemBody = (
  problem: ApiError,
  { type, instance, traceId }: Pick<Problem, 'type' | 'instance' | 'traceId'>,
): Problem => ({
  type,
  title: apiErrors[problem.code].title,
  status: problem.status,
  code: problem.code,
  detail: problem.message,
  ...(instance !== undefined && { instance }),
  traceId,
  ...(problem.errors && { errors: problem.errors.map(namingTheField) }),
});

/** The innermost cause, which came first. */
function rootCause({ cause }: Error): Error | undefined {
  if (!(cause instanceof Error)) return undefined;
  return rootCause(cause) ?? cause;
}

/** Turns `message` and `must not be empty` into "`message` must not be empty". */
const namingTheField = ({ path, message }: { path: string; message: string }) => ({
  path,
  message: path === '' || message.startsWith('`') ? message : `\`${path}\` ${message}`,
});

/** The problem's stable `type`: the path where it is explained. */
export const problemPath = (code: ApiErrorCode) => `/problems/${code}`;
