import { types } from 'node:util';
import { HealifyError } from '../contracts/errors.ts';
import { safeMessage } from '../contracts/safe-message.ts';

/** An error as a log line shows it. */
export interface SerializedError {
  type: string;
  message: string;
  code?: string | number;
  /** The status of an HTTP reply. */
  status?: number;
  /** Only the frames. The first line of a stack is the error's message, which may quote a text. */
  stack: string;
  cause?: SerializedError;
  errors?: SerializedError[];
}

/** Codes of Node and its libraries. A provider's codes are its own text, so they are left out. */
const SYSTEM_CODE = /^[A-Z][A-Z\d_]{1,63}$/;
const MAX_DEPTH = 5;
const MAX_ERRORS = 5;
const MAX_FRAMES = 20;

/**
 * Prepares an error for the log: its type, its code, its message without values, and where it was made. Other fields
 * are left out, such as the command and arguments that ioredis adds to its errors.
 */
export function serializeError(error: unknown, depth = 1): SerializedError {
  if (!isError(error)) return { type: typeof error, message: '', stack: '' };
  const { code, status, cause, errors, previousErrors } = error as Error & Record<string, unknown>;
  const inner = Array.isArray(errors) ? errors : Array.isArray(previousErrors) ? previousErrors : undefined;
  const deeper = depth < MAX_DEPTH;
  return {
    type: name(error),
    message: safeMessage(error),
    ...((typeof code === 'number' ||
      (typeof code === 'string' && (error instanceof HealifyError || SYSTEM_CODE.test(code)))) && { code }),
    ...(typeof status === 'number' && { status }),
    stack: frames(error.stack),
    ...(deeper && isError(cause) && { cause: serializeError(cause, depth + 1) }),
    ...(deeper && inner && { errors: inner.slice(0, MAX_ERRORS).map((each) => serializeError(each, depth + 1)) }),
  };
}

/** Whether a value is an error, even one from another context of the JavaScript engine. */
export const isError = (value: unknown): value is Error => value instanceof Error || types.isNativeError(value);

const name = (error: Error) =>
  [error.name, error.constructor?.name].find((each) => typeof each === 'string' && /^[\w$]{1,64}$/.test(each)) ??
  'Error';

const frames = (stack: string | undefined) =>
  (stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at \S/.test(line))
    .slice(0, MAX_FRAMES)
    .join('\n');
