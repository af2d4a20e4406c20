import { createHash, randomUUID } from 'node:crypto';
import type { AccountStore } from '../../../adapters/accounts/account-store.ts';
import type { ProvenIdentity } from '../../../adapters/identity-provider/identity-provider.ts';
import { type Account, type Role, shownEmail, withSessionsEnded } from '../../../contracts/account.ts';
import type { StaffRole } from '../../../contracts/admin-rights.ts';
import { ApiError } from '../../../contracts/errors.ts';
import { limits } from '../../../contracts/limits.ts';
import type { AccountNotices } from '../account-notices.ts';
import { roleIn, tenantIn } from '../claims.ts';
import type { Logins } from '../logins.ts';

/** The claims that say what somebody may do. */
export interface ClaimRules {
  rolesClaim: string;
  roleNames: Readonly<Record<StaffRole, string>>;
  tenantClaim: string | undefined;
}

/** Somebody whom the provider has let in. */
export interface Entered {
  account: Account;
  /** Their role before; undefined: the account is new. */
  roleBefore: Role | undefined;
}

/** The accounts of people who log in at an identity provider. All methods reject with StoreUnavailableError. */
export interface ProviderAccounts {
  /**
   * Finds the account of somebody, or makes one, and gives it the role and the organisation that the claims say.
   * @throws ApiError account_disabled
   */
  enter(identity: ProvenIdentity): Promise<Entered>;
  /** Ends all logins of somebody. Their role does not count until they log in again. Returns whose it is. */
  leave(subject: string): Promise<string | undefined>;
}

/**
 * People are recognised by issuer and subject, which never change, and never by their email: whoever can choose an email at the
 * provider would get the account that has it here.
 */
export function createProviderAccounts(options: {
  store: AccountStore;
  issuer: string;
  rules: ClaimRules;
  logins: Pick<Logins, 'endAll'>;
  notices: AccountNotices;
}): ProviderAccounts {
  const { store, issuer, rules, logins, notices } = options;

  async function create(
    email: string,
    known: Pick<Account, 'role' | 'tenantId' | 'lastLoginAt' | 'provider'>,
  ): Promise<Account> {
    const account = { userId: randomUUID(), email, createdAt: new Date().toISOString(), ...known };
    if ((await store.create(account)) === 'created') return account;
    // Another tab was faster.
    return (await store.byEmail(email)) ?? account;
  }

  return {
    enter: async ({ subject, claims }) => {
      const name = nameOf(issuer, subject);
      const tenantId = tenantIn(claims, rules.tenantClaim);
      const email = emailIn(claims);
      const now = new Date().toISOString();
      const known = {
        role: roleIn(claims, rules.rolesClaim, rules.roleNames),
        ...(tenantId !== undefined && { tenantId }),
        lastLoginAt: now,
        provider: { confirmedAt: now, ...(email !== undefined && { email }) },
      };
      const before = await store.byEmail(name);
      // Somebody may have chosen another's email at the provider, and not shown yet that it is theirs.
      // Some providers say it as a text.
      const mayTell = String(claims.email_verified) !== 'false';
      if (!before) {
        const made = await create(name, known);
        if (mayTell) notices.tell(made, 'provider_account_made');
        return { account: made, roleBefore: undefined };
      }
      const { userId, role: roleBefore } = before;
      const account = await store.change(userId, ({ tenantId: _, ...rest }) => {
        // Nobody has logged in.
        if (rest.disabledAt !== undefined) throw new ApiError('account_disabled');
        return { ...rest, ...known };
      });
      if (!account) throw new ApiError('invalid_credentials');
      if (shownEmail(account) !== shownEmail(before)) notices.tell(before, 'provider_email_changed');
      if (account.role !== roleBefore && mayTell) notices.tell(account, 'role_changed');
      return { account, roleBefore };
    },
    leave: async (subject) => {
      const found = await store.byEmail(nameOf(issuer, subject));
      if (!found) return undefined;
      await store.change(found.userId, (account) =>
        withSessionsEnded({ ...account, provider: { ...account.provider, confirmedAt: NEVER } }),
      );
      await logins.endAll(found.userId);
      return found.userId;
    },
  };
}

/** Before every login. */
const NEVER = new Date(0).toISOString();

/** It is no email, so nobody can make an account with it, or log in to it with a password. */
const nameOf = (issuer: string, subject: string) =>
  `oidc:${createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url')}`;

const emailIn = ({ email }: Record<string, unknown>) =>
  typeof email === 'string' && email !== '' && email.length <= limits.emailChars ? email : undefined;
