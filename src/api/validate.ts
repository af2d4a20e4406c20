import type { z } from 'zod';
import { cutText } from '../contracts/cut-text.ts';
import { ApiError } from '../contracts/errors.ts';
import { limits } from '../contracts/limits.ts';

/** Most faults that an answer lists. */
const MAX_ERRORS = 20;
const MAX_ERROR_CHARS = 300;

interface Fault {
  path: string;
  /** What is said of the field, such as `must not be empty`. */
  message: string;
}

/**
 * Parses a body or a query.
 * @throws ApiError validation_failed, with the faults by path
 */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value, { error: (issue) => ruleOf(issue) });
  if (parsed.success) return parsed.data;
  throw new ApiError('validation_failed', {
    errors: parsed.error.issues
      .flatMap((issue) => faultsOf(issue, value))
      // One for each field: what is empty is blank as well.
      .filter(({ path }, i, all) => all.findIndex((other) => other.path === path) === i)
      .slice(0, MAX_ERRORS)
      .map(({ path, message }) => ({
        path: cutText(path, MAX_ERROR_CHARS),
        message: cutText(message, MAX_ERROR_CHARS),
      })),
  });
}

/** Zod names the object that has unknown keys; whoever sent it wants to know which. */
function faultsOf(issue: z.core.$ZodIssue, value: unknown): Fault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not a known field' }));
  }
  const given = path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
  if (path.length === 0 && issue.code === 'invalid_type')
    return [{ path: '', message: 'The body must be a JSON object' }];
  if (given === undefined) return [{ path: path.join('.'), message: 'is required' }];
  // A query that has a parameter twice is read as a list.
  if (Array.isArray(given) && issue.code === 'invalid_type' && issue.expected !== 'array') {
    return [{ path: path.join('.'), message: `must be given once, and be ${NOUNS[issue.expected] ?? issue.expected}` }];
  }
  return [{ path: path.join('.'), message: issue.message }];
}

const NOUNS: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};
const FORMATS: Partial<Record<string, string>> = {
  email: 'an email address',
  uuid: 'a UUID',
  url: 'a URL',
  datetime: 'a time such as 2026-01-31T12:00:00Z',
};

/** What a field must be, in words; undefined leaves it to Zod. A schema's own words come before these. */
function ruleOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') {
        if (issue.minimum === 1) return 'must not be empty';
        return `must have at least ${issue.minimum} ${issue.origin === 'string' ? 'characters' : 'entries'}`;
      }
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string' || issue.origin === 'array') {
        return `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`;
      }
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'invalid_format':
      return `must be ${FORMATS[issue.format] ?? 'of the documented form'}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of: ' : ''}${issue.values.map(String).join(', ')}`;
    default:
      return 'is not valid';
  }
}

/**
 * An id in a path.
 * @throws ApiError not_found: nothing has an id as long as that
 */
export function parseId(value: unknown): string {
  if (typeof value !== 'string' || value.length > limits.idChars) throw new ApiError('not_found');
  return value;
}
