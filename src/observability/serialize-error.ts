import { types } from 'node:util';
import { HealifyError } from '../contracts/errors.ts';
import { safeMessage } from '../contracts/safe-message.ts';

/** What a log line has of an error. */
export interface SerializedError {
  type: string;
  message: string;
  code?: string | number;
  /** Of an HTTP reply. */
  status?: number;
  /** The frames only: what a stack begins with is the message. */
  stack: string;
  cause?: SerializedError;
  errors?: SerializedError[];
}

/** As Node and its libraries have them; a provider's are its own text. */
const SYSTEM_CODE = /^[A-Z][A-Z\d_]{1,63}$/;
const MAX_DEPTH = 5;
const MAX_ERRORS = 5;
const MAX_FRAMES = 20;

/**
 * An error for the log: its type, its code, its message without values, and where it was made. Nothing else that hangs
 * on it, such as the command and arguments that ioredis keeps there, is looked at.
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

/** Also one that was made in another context of the JavaScript engine. */
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
