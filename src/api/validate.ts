import type { z } from 'zod';
import { ApiError } from '../contracts/errors.ts';
import { limits } from '../contracts/limits.ts';

/** Most faults that an answer lists. */
const MAX_ERRORS = 20;
const MAX_ERROR_CHARS = 300;

/**
 * Parses a body or a query.
 * @throws ApiError validation_failed, with the faults by path
 */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ApiError('validation_failed', {
    errors: parsed.error.issues.slice(0, MAX_ERRORS).map((issue) => ({
      path: issue.path.join('.').slice(0, MAX_ERROR_CHARS),
      message: issue.message.slice(0, MAX_ERROR_CHARS),
    })),
  });
}

/**
 * An id in a path.
 * @throws ApiError not_found: nothing has an id as long as that
 */
export function parseId(value: unknown): string {
  if (typeof value !== 'string' || value.length > limits.idChars) throw new ApiError('not_found');
  return value;
}
