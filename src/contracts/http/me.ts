import { z } from 'zod';
import { roles } from '../account.ts';

const count = z.int().nonnegative();

export const me = z
  .object({
    userId: z.string(),
    email: z.string().nullable().describe('null if an identity provider has the accounts, or has not told it.'),
    hasPassword: z
      .boolean()
      .describe('false: an identity provider lets the user in, so there is no password here to ask for.'),
    mustVerifyEmail: z.boolean().describe('true: no question can be asked until the email is verified.'),
    roles: z.array(z.enum(roles)).describe('Everybody has `user`. Whoever has another one may use `/admin`.'),
    models: z
      .object({
        standard: z.string().describe('The model of a question that names none.'),
        allowed: z.array(z.string()).describe('The models that a question may name.'),
      })
      .meta({ id: 'Models' }),
    limits: z
      .object({
        messageChars: count.describe('Longest question, in UTF-16 code units, as the length of a text in JavaScript.'),
        titleChars: count,
        searchChars: count,
        sessionTurns: count.describe('Most questions of one session.'),
        sendPerMinute: count.describe('Most questions in a minute.'),
        readPerMinute: count.describe('Most other requests in a minute.'),
        maxWaitSeconds: count.describe('Longest `Prefer: wait`.'),
      })
      .meta({ id: 'Limits' }),
  })
  .meta({ id: 'Me', description: 'Who the caller is, and what a page needs to know before the first question.' });

export type Me = z.output<typeof me>;
