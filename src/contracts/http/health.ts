import { z } from 'zod';
import { seenProcess } from './process-bodies.ts';

export const health = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    checks: z
      .record(z.string(), z.object({ status: z.enum(['up', 'down']), detail: z.string().optional() }))
      .optional(),
    version: z.string().optional(),
    uptimeSeconds: z.int().optional(),
    processes: z
      .array(seenProcess)
      .optional()
      .describe('All processes of this installation, as their heartbeats show them; only in `/health` of the api.'),
    warnings: z
      .array(z.string())
      .optional()
      .describe('What is wrong with them. This process may be ready all the same.'),
  })
  .meta({ id: 'Health' });

export type Health = z.output<typeof health>;
