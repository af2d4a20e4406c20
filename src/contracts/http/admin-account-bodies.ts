import { z } from 'zod';
import { roles } from '../account.ts';
import { limits } from '../limits.ts';
import { id, timestamp } from '../scalars.ts';
import { email } from './account-bodies.ts';

/** An email of 254 characters in base64url, each of up to four bytes. */
const CURSOR_CHARS = 1_400;

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
    lastLoginAt: timestamp
      .nullable()
      .describe('When somebody last logged in. null: never, or only with a version that did not note it.'),
    logins: z.int().nonnegative().describe('How many logins have not ended.'),
  })
  .meta({ id: 'AdminAccount', description: 'An account, as admins see it.' });

export type AdminAccount = z.output<typeof adminAccount>;

/** Which accounts to list. The part of an email is in the body and not in the address, because addresses are logged. */
export const accountListBody = z
  .strictObject({
    search: z
      .string()
      .min(1)
      .max(limits.emailChars)
      .optional()
      .describe('A part of the email, in capital letters or not. A whole email finds its account only.'),
    role: z.enum(roles).optional(),
    state: z.enum(['enabled', 'disabled']).optional(),
    secondFactor: z.boolean().optional().describe('Whether logins need a second factor.'),
    limit: z.int().min(1).max(100).default(50),
    cursor: z.string().max(CURSOR_CHARS).optional().describe('`nextCursor` of the page before.'),
  })
  .meta({ id: 'AccountListing' });

export type AccountListing = z.output<typeof accountListBody>;

const listedAccount = adminAccount
  .omit({ logins: true })
  .meta({ id: 'ListedAccount', description: 'An account in a list.' });

export type ListedAccount = z.output<typeof listedAccount>;

export const accountList = z
  .object({
    accounts: z.array(listedAccount),
    nextCursor: z
      .string()
      .nullable()
      .describe('null: there are no more. A page may have fewer accounts than its limit, or none, and more follow.'),
  })
  .meta({ id: 'AccountList' });

export type AccountList = z.output<typeof accountList>;
