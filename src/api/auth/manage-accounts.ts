import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { type Account, type Role, shownEmail, withSessionsEnded } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { AdminAccount } from '../../contracts/http/admin-account-bodies.ts';
import type { AccountNotices } from './account-notices.ts';
import type { Logins } from './logins.ts';

/**
 * What admins do with the accounts of others, each named by its email or by the id of its user. Every method returns the account as
 * it is now; undefined if there is none.
 */
export interface AccountAdmin {
  find(name: string): Promise<AdminAccount | undefined>;
  /** Ends all logins of the account, also those to the admin's pages, as the others do. Until it is enabled, nobody can log in to it. */
  disable(name: string): Promise<AdminAccount | undefined>;
  enable(name: string): Promise<AdminAccount | undefined>;
  endLogins(name: string): Promise<AdminAccount | undefined>;
  /** Takes its second factor away, and ends all logins of the account. */
  resetSecondFactor(name: string): Promise<AdminAccount | undefined>;
  /** @throws ApiError role_of_provider: it is the identity provider that gives this account its role */
  setRole(name: string, role: Role): Promise<AdminAccount | undefined>;
  /** It is in the tokens that the user gets from then on. @param tenantId undefined: the user belongs to none any more */
  setTenant(name: string, tenantId: string | undefined): Promise<AdminAccount | undefined>;
}

export function createAccountAdmin(options: {
  store: AccountStore;
  logins: Pick<Logins, 'list' | 'endAll'>;
  /** Tell people of changes of their second factor and their role. */
  notices: AccountNotices;
}): AccountAdmin {
  const { store, logins, notices } = options;
  const named = (name: string) => (name.includes('@') ? store.byEmail(name) : store.byId(name));

  async function show(account: Account): Promise<AdminAccount> {
    const { userId, role, tenantId, createdAt, disabledAt, secondFactor, provider } = account;
    const open = await logins.list(userId);
    return {
      userId,
      email: shownEmail(account) ?? null,
      atProvider: provider !== undefined,
      role,
      tenantId: tenantId ?? null,
      createdAt,
      disabledAt: disabledAt ?? null,
      secondFactorAt: secondFactor?.confirmedAt ?? null,
      logins: open.length,
    };
  }

  async function change(name: string, next: (account: Account) => Account): Promise<Account | undefined> {
    const found = await named(name);
    return found && (await store.change(found.userId, next));
  }

  return {
    find: async (name) => {
      const found = await named(name);
      return found && show(found);
    },
    disable: async (name) => {
      const disabledAt = new Date().toISOString();
      const disabled = await change(name, (account) => withSessionsEnded({ disabledAt, ...account }));
      // After the account, so that no login can begin in between.
      if (disabled) await logins.endAll(disabled.userId);
      return disabled && show(disabled);
    },
    enable: async (name) => {
      const enabled = await change(name, ({ disabledAt: _, ...account }) => account);
      return enabled && show(enabled);
    },
    endLogins: async (name) => {
      const ended = await change(name, withSessionsEnded);
      if (ended) await logins.endAll(ended.userId);
      return ended && show(ended);
    },
    resetSecondFactor: async (name) => {
      let hadOne = false;
      const reset = await change(name, ({ secondFactor, ...account }) => {
        hadOne = secondFactor?.confirmedAt !== undefined;
        return withSessionsEnded(account);
      });
      if (reset) await logins.endAll(reset.userId);
      if (reset && hadOne) notices.tell(reset, 'second_factor_removed');
      return reset && show(reset);
    },
    setRole: async (name, role) => {
      let before: Role = role;
      const changed = await change(name, (account) => {
        if (account.provider) throw new ApiError('role_of_provider');
        before = account.role;
        return { ...account, role };
      });
      if (changed && before !== role) notices.tell(changed, 'role_changed');
      return changed && show(changed);
    },
    setTenant: async (name, tenantId) => {
      const changed = await change(name, ({ tenantId: _, ...account }) => ({
        ...account,
        ...(tenantId !== undefined && { tenantId }),
      }));
      return changed && show(changed);
    },
  };
}
