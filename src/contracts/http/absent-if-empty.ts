import { z } from 'zod';

/** A field that may be left out. Many clients send null or an empty text for a field without a value. */
export const absentIfEmpty = <T extends z.ZodType>(field: T) =>
  z
    .preprocess((value) => (value === '' ? null : value), field.nullish())
    .transform((value) => value ?? undefined)
    .optional();
