import type { z } from 'zod';
import { cutText } from '../contracts/cut-text.ts';
import { ApiError } from '../contracts/errors.ts';
import { fieldRule, NOUNS } from '../contracts/field-rule.ts';
import { limits } from '../contracts/limits.ts';

/** How many faults a reply lists at most. */
const MAX_ERRORS = 20;
const MAX_ERROR_CHARS = 300;

interface Fault {
  path: string;
  /** What is wrong with the field, such as `must not be empty`. */
  message: string;
}

/**
 * Parses a body or a query.
 * @throws ApiError validation_failed, with the faults by path
 */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value, { error: fieldRule });
  if (parsed.success) return parsed.data;
  throw new ApiError('validation_failed', {
    errors: parsed.error.issues
      .flatMap((issue) => faultsOf(issue, value))
      // One fault for each field is enough. An empty text, for example, is also blank.
      .filter(({ path }, i, all) => all.findIndex((other) => other.path === path) === i)
      .slice(0, MAX_ERRORS)
      .map(({ path, message }) => ({
        path: cutText(path, MAX_ERROR_CHARS),
        message: cutText(message, MAX_ERROR_CHARS),
      })),
  });
}

/** For unknown keys, Zod names the object. The caller wants to know the keys. */
function faultsOf(issue: z.core.$ZodIssue, value: unknown): Fault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not a known field' }));
  }
  const given = path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
  if (path.length === 0 && issue.code === 'invalid_type')
    return [{ path: '', message: 'The body must be a JSON object' }];
  // If a query has a parameter twice, Express reads it as a list.
  if (Array.isArray(given) && issue.code === 'invalid_type' && issue.expected !== 'array') {
    return [{ path: path.join('.'), message: `must be given once, and be ${NOUNS[issue.expected] ?? issue.expected}` }];
  }
  return [{ path: path.join('.'), message: issue.message }];
}

/**
 * Reads the id of a session or a question in a path. All ids are UUIDs in lower case; Swift writes them in upper case.
 * @throws ApiError not_found: no id is that long
 */
export function parseId(value: unknown): string {
  if (typeof value !== 'string' || value.length > limits.idChars) throw new ApiError('not_found');
  return value.toLowerCase();
}
