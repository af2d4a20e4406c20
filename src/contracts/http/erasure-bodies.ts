import { z } from 'zod';
import { type KindOfData, kindsOfData } from '../kept-data.ts';
import { limits } from '../limits.ts';
import { id } from '../scalars.ts';
import { email } from './account-bodies.ts';
import { dryRun } from './dry-run.ts';

export const eraseAccountBody = z
  .strictObject({
    password: z
      .string()
      .min(1)
      .max(limits.passwordChars)
      .optional()
      .describe('The password of your account. Needed if you have an account here.'),
    confirm: z
      .string()
      .max(limits.idChars)
      .optional()
      .describe(
        'Your own userId. Needed if an identity provider has your account. The login must be at most ten minutes old.',
      ),
  })
  .meta({ id: 'EraseAccount' });

export const eraseUserBody = z
  .strictObject({
    email: email.optional(),
    userId: id.optional().describe('For users that have no account here.'),
    dryRun,
  })
  .refine((body) => (body.email === undefined) !== (body.userId === undefined), 'must have either email or userId')
  .meta({ id: 'EraseUser' });

/** How much is kept of somebody, by kind. */
export const keptCounts = z
  .object({
    dryRun: z.literal(true),
    userId: z.string(),
    kinds: z.array(
      z.object({ kind: z.enum(kindsOfData as [KindOfData, ...KindOfData[]]), count: z.int().nonnegative() }),
    ),
  })
  .meta({ id: 'KeptData', description: 'What would be erased. Nothing was changed.' });

export type KeptCountsBody = z.output<typeof keptCounts>;
