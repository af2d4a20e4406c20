import { z } from 'zod';

/** The place where a page begins. */
export const cursor = z
  .string()
  .max(512)
  .optional()
  .transform((value) => value || undefined)
  .describe('`nextCursor` of the page before.');

/** How long a page is at most. An empty parameter counts as left out. */
export const limitUpTo100 = (otherwise: number) =>
  z.preprocess(
    (value) => (value === '' ? undefined : value),
    z.coerce.number().int().min(1).max(100).default(otherwise),
  );
