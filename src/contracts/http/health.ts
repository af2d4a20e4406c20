import { z } from 'zod';

export const health = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    checks: z
      .record(z.string(), z.object({ status: z.enum(['up', 'down']), detail: z.string().optional() }))
      .optional(),
    version: z.string().optional(),
    uptimeSeconds: z.int().optional(),
  })
  .meta({ id: 'Health' });

export type Health = z.output<typeof health>;
