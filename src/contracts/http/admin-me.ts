import { z } from 'zod';
import { roles } from '../account.ts';
import { type AdminRight, adminRights } from '../admin-rights.ts';

export const adminMe = z
  .object({
    userId: z.string(),
    role: z.enum(roles).exclude(['user']),
    may: z
      .array(z.enum(Object.keys(adminRights) as [AdminRight, ...AdminRight[]]))
      .describe('Methods and paths of this document.'),
  })
  .meta({ id: 'AdminMe', description: 'Who the caller is at `/admin`.' });

export type AdminMe = z.output<typeof adminMe>;
