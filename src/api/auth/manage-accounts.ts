import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { Account, Role } from '../../contracts/account.ts';
import type { AdminAccount } from '../../contracts/http/admin-account-bodies.ts';
import type { Logins } from './logins.ts';

/**
 * What admins do with the accounts of others, each named by its email. Every method returns the account as it is now;
 * undefined if there is none.
 */
export interface AccountAdmin {
  find(email: string): Promise<AdminAccount | undefined>;
  /** Ends all logins of the account. Until it is enabled, nobody can log in to it. */
  disable(email: string): Promise<AdminAccount | undefined>;
  enable(email: string): Promise<AdminAccount | undefined>;
  endLogins(email: string): Promise<AdminAccount | undefined>;
  /** Takes its second factor away, and ends all logins of the account. */
  resetSecondFactor(email: string): Promise<AdminAccount | undefined>;
  setRole(email: string, role: Role): Promise<AdminAccount | undefined>;
  /** It is in the tokens that the user gets from then on. @param tenantId undefined: the user belongs to none any more */
  setTenant(email: string, tenantId: string | undefined): Promise<AdminAccount | undefined>;
}

export function createAccountAdmin(options: {
  store: AccountStore;
  logins: Pick<Logins, 'list' | 'endAll'>;
}): AccountAdmin {
  const { store, logins } = options;

  async function show({
    userId,
    email,
    role,
    tenantId,
    createdAt,
    disabledAt,
    secondFactor,
  }: Account): Promise<AdminAccount> {
    const open = await logins.list(userId);
    return {
      userId,
      email,
      role,
      tenantId: tenantId ?? null,
      createdAt,
      disabledAt: disabledAt ?? null,
      secondFactorAt: secondFactor?.confirmedAt ?? null,
      logins: open.length,
    };
  }

  async function change(email: string, next: (account: Account) => Account): Promise<Account | undefined> {
    const found = await store.byEmail(email);
    return found && (await store.change(found.userId, next));
  }

  return {
    find: async (email) => {
      const found = await store.byEmail(email);
      return found && show(found);
    },
    disable: async (email) => {
      const disabledAt = new Date().toISOString();
      const disabled = await change(email, (account) => ({ disabledAt, ...account }));
      // After the account, so that no login can begin in between.
      if (disabled) await logins.endAll(disabled.userId);
      return disabled && show(disabled);
    },
    enable: async (email) => {
      const enabled = await change(email, ({ disabledAt: _, ...account }) => account);
      return enabled && show(enabled);
    },
    endLogins: async (email) => {
      const found = await store.byEmail(email);
      if (found) await logins.endAll(found.userId);
      return found && show(found);
    },
    resetSecondFactor: async (email) => {
      const reset = await change(email, ({ secondFactor: _, ...account }) => account);
      if (reset) await logins.endAll(reset.userId);
      return reset && show(reset);
    },
    setRole: async (email, role) => {
      const changed = await change(email, (account) => ({ ...account, role }));
      return changed && show(changed);
    },
    setTenant: async (email, tenantId) => {
      const changed = await change(email, ({ tenantId: _, ...account }) => ({
        ...account,
        ...(tenantId !== undefined && { tenantId }),
      }));
      return changed && show(changed);
    },
  };
}
