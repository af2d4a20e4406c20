import { z } from 'zod';
import { roles } from '../account.ts';
import { id, timestamp } from '../scalars.ts';
import { email } from './account-bodies.ts';

const named = {
  email: email.optional(),
  userId: id.optional().describe('In place of the email, for somebody who logs in at an identity provider.'),
};

const isNamedOnce = ({ email, userId }: { email?: string | undefined; userId?: string | undefined }) =>
  (email === undefined) !== (userId === undefined);
const NAMED_ONCE = 'must have either email or userId';

/** Names an account. The email is in the body and not in the address, because addresses are logged. */
export const accountBody = z.strictObject(named).refine(isNamedOnce, NAMED_ONCE).meta({ id: 'AccountNamed' });

export const accountRoleBody = z
  .strictObject({ ...named, role: z.enum(roles) })
  .refine(isNamedOnce, NAMED_ONCE)
  .meta({ id: 'AccountRole' });

/** How such a body names an account. */
export const nameIn = ({ email, userId }: z.output<typeof accountBody>): string => (email ?? userId)!;

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
    email: z.string().nullable().describe('null: it is not known, because the person logs in at an identity provider.'),
    atProvider: z.boolean().describe('true: the person logs in at an identity provider, which gives the role.'),
    role: z.enum(roles),
    tenantId: id.nullable().describe('The organisation of the user. null: none.'),
    createdAt: timestamp,
    disabledAt: timestamp.nullable().describe('Since when nobody can log in. null: the account is enabled.'),
    secondFactorAt: timestamp.nullable().describe('Since when logins need a second factor. null: they need none.'),
    logins: z.int().nonnegative().describe('How many logins have not ended.'),
  })
  .meta({ id: 'AdminAccount', description: 'An account, as admins see it.' });

export type AdminAccount = z.output<typeof adminAccount>;
