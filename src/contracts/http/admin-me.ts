import { z } from 'zod';
import { roles } from '../account.ts';
import { type AdminRight, adminRights } from '../admin-rights.ts';
import { timestamp } from '../scalars.ts';

export const adminMe = z
  .object({
    userId: z.string(),
    email: z.string().nullable().describe('null: it is not known, because an identity provider has the account.'),
    role: z.enum(roles).exclude(['user']),
    may: z
      .array(z.enum(Object.keys(adminRights) as [AdminRight, ...AdminRight[]]))
      .describe('Methods and paths of this document.'),
    textAccessUntil: timestamp.nullable().describe('Until when you may read texts in an emergency; null: you may not.'),
  })
  .meta({ id: 'AdminMe', description: 'Who the caller is at `/admin`.' });

export type AdminMe = z.output<typeof adminMe>;
