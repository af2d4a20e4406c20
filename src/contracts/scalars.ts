import { z } from 'zod';
import { limits } from './limits.ts';

/** The id of a request, a session or a user. */
export const id = z
  .string()
  .min(1)
  .max(limits.idChars)
  // Half a surrogate pair is valid JSON, and cannot be written as UTF-8.
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

export const timestamp = z.iso.datetime({
  offset: true,
  error: 'must be a time in ISO 8601, such as 2026-01-31T12:00:00Z',
});
