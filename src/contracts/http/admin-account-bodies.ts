import { z } from 'zod';
import { roles } from '../account.ts';
import { id, timestamp } from '../scalars.ts';
import { email } from './account-bodies.ts';

/** Names an account. The email is in the body and not in the address, because addresses are logged. */
export const accountBody = z.strictObject({ email }).meta({ id: 'AccountNamed' });

export const accountRoleBody = z.strictObject({ email, role: z.enum(roles) }).meta({ id: 'AccountRole' });

export const invite = z
  .object({
    invite: z.string().describe('Whoever has it can make one account with it. It is not shown again.'),
    expiresAt: timestamp,
  })
  .meta({ id: 'Invite' });

export type InviteBody = z.output<typeof invite>;

export const adminAccount = z
  .object({
    userId: id,
    email: z.string(),
    role: z.enum(roles),
    tenantId: id.nullable().describe('The organisation of the user. null: none.'),
    createdAt: timestamp,
    disabledAt: timestamp.nullable().describe('Since when nobody can log in. null: the account is enabled.'),
    secondFactorAt: timestamp.nullable().describe('Since when logins need a second factor. null: they need none.'),
    logins: z.int().nonnegative().describe('How many logins have not ended.'),
  })
  .meta({ id: 'AdminAccount', description: 'An account, as admins see it.' });

export type AdminAccount = z.output<typeof adminAccount>;
