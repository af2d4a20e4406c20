import { z } from 'zod';

/** A node of a server that is a cluster. */
export const serverMember = z
  .object({
    name: z.string(),
    state: z.enum(['up', 'down']),
    role: z
      .string()
      .nullable()
      .describe('What it does for the others, such as `primary`; null: nothing in particular.'),
    detail: z.string().nullable().describe('What is wrong; null if nothing is.'),
  })
  .meta({ id: 'ServerMember' });

export type ServerMember = z.output<typeof serverMember>;
