import { failureCodeOf } from '../../contracts/error-codes.ts';
import { HealifyError } from '../../contracts/errors.ts';
import { UnreadableMessage } from '../../contracts/read-message.ts';
import { plainSeals, type Seals } from '../../contracts/sealing.ts';
import { type ChatJobData, JOB_DATA_VERSION, jobIdOf, type KnownFailure, type WorkflowState } from './chat-job.ts';
import { openRequest } from './sealed-job.ts';

/** The job's data is not usable. The message names fields, and never what they contain. */
export class UnusableJobError extends HealifyError {
  readonly code = 'unusable_job';
  readonly retryable = false;

  constructor(detail: string) {
    super(`unusable_job: ${detail}`);
  }
}

/** A later version of this product has added the job, and only that version knows what to do with it. */
export class NewerJobError extends HealifyError {
  readonly code = 'newer_job';
  readonly retryable = true;

  constructor() {
    super('newer_job: a newer version has added the job');
  }
}

export type Fields = Record<string, unknown>;

/**
 * Reads the data of a job that was taken. Somebody may have added the job by hand or changed its data, so every field
 * that the work relies on is checked. The checks are written by hand, because a schema would cost more than parsing the
 * JSON, for every job.
 * @param data the job's data, as `fieldsOf` reads it
 * @param seals with the key of the job's user. Left out: no text is sealed
 * @throws UnusableJobError
 * @throws NewerJobError
 */
export function readJobData(jobId: string, data: Fields | undefined, seals: Seals = plainSeals): ChatJobData {
  if (!data) throw new UnusableJobError('its data is not a JSON object');
  if (data.finished === true) {
    throw new UnusableJobError('its request is finished, and its text is not kept: ask the question again');
  }
  if (Number.isSafeInteger(data.version) && (data.version as number) > JOB_DATA_VERSION) {
    throw new NewerJobError();
  }
  if (!isObject(data.request)) throw new UnusableJobError('its data has no `request`');
  const request = opened(seals, data.request);
  const wrong = wrongField(request) ?? wrongOrigin(data);
  if (wrong) throw new UnusableJobError(`\`${wrong}\` is missing or not what it should be`);
  if (jobIdOf(request.requestId as string) !== jobId) {
    throw new UnusableJobError('`request.requestId` is not the one that the job was made for');
  }
  return { ...data, request } as unknown as ChatJobData;
}

function opened(seals: Seals, request: Fields): Fields {
  try {
    return openRequest(seals, request);
  } catch (error) {
    if (error instanceof UnreadableMessage) throw new UnusableJobError(`its request cannot be read: ${error.message}`);
    throw error;
  }
}

/** The user of a job, whose texts may be sealed; '' if its data does not say. */
export const userOf = (data: Fields | undefined): string =>
  isObject(data?.request) && isText(data.request.userId) ? data.request.userId : '';

/**
 * Reads how far a job has come, without its results if they are sealed: see `openState`. An earlier version of this product
 * may have written it.
 * @returns undefined if nothing readable was saved
 */
export function readJobState(json: string): WorkflowState | undefined {
  const read = fieldsOf(json);
  if (!read || !Array.isArray(read.steps) || !isObject(read.results)) return undefined;
  const state = read as unknown as WorkflowState;
  if (read.failure !== undefined) state.failure = knownFailure(read.failure);
  // Earlier versions did not write down how many crashes a retry by an operator forgives. It forgives all until then.
  if (state.failedAt !== undefined) state.crashesForgiven ??= state.crashes;
  return state;
}

/** Earlier versions kept the user's message instead of the cause, and used codes that no longer exist. */
function knownFailure(value: unknown): KnownFailure {
  const { code, cause, message, provider } = isObject(value) ? value : ({} as Fields);
  return {
    code: failureCodeOf(code) ?? 'internal_error',
    cause: [cause, message].find(isText) ?? 'not known any more',
    ...(isText(provider) && { provider }),
  };
}

function wrongField(request: Fields): string | undefined {
  const {
    requestId,
    sessionId,
    userId,
    tenantId,
    message,
    context,
    cache,
    priority,
    model,
    stream,
    createdAt,
    deadline,
  } = request;
  if (!isText(requestId) || !requestId.isWellFormed()) return 'request.requestId';
  if (!isText(sessionId)) return 'request.sessionId';
  if (!isText(userId)) return 'request.userId';
  if (tenantId !== undefined && !isText(tenantId)) return 'request.tenantId';
  if (!isText(message)) return 'request.message';
  if (!Array.isArray(context) || !context.every(isTurn)) return 'request.context';
  if (typeof cache !== 'boolean') return 'request.cache';
  if (priority !== 'interactive' && priority !== 'batch') return 'request.priority';
  if (model !== undefined && !isText(model)) return 'request.model';
  if (stream !== undefined && typeof stream !== 'boolean') return 'request.stream';
  if (createdAt !== undefined && !isTime(createdAt)) return 'request.createdAt';
  if (deadline !== undefined && !isTime(deadline)) return 'request.deadline';
  return undefined;
}

function wrongOrigin({ traceparent, tracestate, receivedAt, reply }: Fields): string | undefined {
  if (!isText(traceparent)) return 'traceparent';
  if (tracestate !== undefined && !isText(tracestate)) return 'tracestate';
  if (!isTime(receivedAt)) return 'receivedAt';
  if (reply !== undefined && !isAddress(reply)) return 'reply';
  return undefined;
}

export function isJson(text: string | undefined): boolean {
  try {
    JSON.parse(text ?? '');
    return true;
  } catch {
    return false;
  }
}

/** Parses JSON. @returns undefined: it is no object */
export function fieldsOf(json: string | undefined): Fields | undefined {
  if (!json) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTime = (value: unknown) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isAddress = (value: unknown) =>
  isObject(value) && isText(value.to) && (value.correlationId === undefined || isText(value.correlationId));
const isTurn = (value: unknown) =>
  isObject(value) && (value.role === 'user' || value.role === 'assistant') && isText(value.content);
