import { z } from 'zod';
import { apiErrors } from '../error-codes.ts';

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(apiErrors) as [keyof typeof apiErrors]),
    detail: z.string().describe('What the caller can do.'),
    instance: z.string().optional(),
    traceId: z.string().optional().describe('Finds the request in our logs.'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string().describe('Names the field and the rule.') }))
      .optional()
      .describe('What is wrong with which field.'),
  })
  .meta({ id: 'Problem', description: 'An RFC 9457 problem document; `code` is stable.' });

export type Problem = z.output<typeof problem>;
