import type { z } from 'zod';

/** What a field must be, by Zod's name of its type. */
export const NOUNS: Partial<Record<string, string>> = {
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

/**
 * Returns what a field must be, in words; undefined if Zod's words are good enough. A schema's own words come first.
 */
export function fieldRule(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is required';
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
      return oneOf(issue.values);
    case 'invalid_union':
      return Array.isArray(issue.options) ? oneOf(issue.options) : 'is not valid';
    default:
      return 'is not valid';
  }
}

const oneOf = (values: readonly unknown[]) =>
  `must be ${values.length > 1 ? 'one of: ' : ''}${values.map(String).join(', ')}`;
