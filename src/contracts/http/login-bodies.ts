import { z } from 'zod';
import { timestamp } from '../scalars.ts';

export const openLogin = z
  .object({
    loginId: z.string(),
    current: z.boolean().describe('true: the request was sent with a token of this login.'),
    startedAt: timestamp.nullable().describe('null: an earlier version began it.'),
    refreshedAt: timestamp.describe('When it got its latest tokens.'),
    endsAt: timestamp
      .nullable()
      .describe('When it ends, however often it is refreshed. null: its next refresh decides.'),
    address: z.string().nullable().describe('The address that it was begun from. An IPv6 address is its /64 network.'),
    agent: z.string().nullable().describe('What the program that began it calls itself (`User-Agent`).'),
  })
  .meta({ id: 'OpenLogin', description: 'A login that has not ended.' });

export type OpenLoginBody = z.output<typeof openLogin>;

export const openLogins = z
  .object({ logins: z.array(openLogin).describe('The one that was used last comes first.') })
  .meta({ id: 'OpenLogins' });

export const endedLogins = z
  .object({ ended: z.int().nonnegative().describe('How many logins have ended.') })
  .meta({ id: 'EndedLogins' });
