import type { AccountStore, NextAccount } from '../../adapters/accounts/account-store.ts';
import {
  type Account,
  hasSecondFactor,
  isEnabledAdmin,
  type Role,
  shownEmail,
  withSessionsEnded,
} from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type {
  AccountList,
  AccountListing,
  AdminAccount,
  ListedAccount,
} from '../../contracts/http/admin-account-bodies.ts';
import type { AccountNotices } from './account-notices.ts';
import { mustHaveAnotherAdmin, mustStayAdmin } from './keep-an-admin.ts';
import type { Logins } from './logins.ts';

/** How many accounts are read for one page of a list, at most. */
const MOST_LOOKED_AT = 2_000;
const READ_TOGETHER = 500;

/**
 * What admins do with the accounts of others, each named by its email or by the id of its user. Every method but `list` returns the
 * account as it is now; undefined if there is none.
 */
export interface AccountAdmin {
  /** Lists accounts in the order of their emails; those of people at an identity provider, which have none of ours, come together. */
  list(listing: AccountListing): Promise<AccountList>;
  find(name: string): Promise<AdminAccount | undefined>;
  /**
   * Ends all logins of the account, also those to the admin's pages, as the others do. Until it is enabled, nobody can log in to it.
   * @param by as for `setRole`
   */
  disable(name: string, by?: string): Promise<AdminAccount | undefined>;
  enable(name: string): Promise<AdminAccount | undefined>;
  endLogins(name: string): Promise<AdminAccount | undefined>;
  /** Takes its second factor away, and ends all logins of the account. */
  resetSecondFactor(name: string): Promise<AdminAccount | undefined>;
  /**
   * @param by the id of the admin who does it. Somebody whose own rights are taken away at the same moment changes nothing, so two
   * admins cannot leave nobody. Left out: a command, which may leave nobody
   * @throws ApiError role_of_provider: it is the identity provider that gives this account its role
   * @throws ApiError forbidden: `by` is no admin any more
   */
  setRole(name: string, role: Role, by?: string): Promise<AdminAccount | undefined>;
  /** It is in the tokens that the user gets from then on. @param tenantId undefined: the user belongs to none any more */
  setTenant(name: string, tenantId: string | undefined): Promise<AdminAccount | undefined>;
  /**
   * Makes a user of an admin who is about to be erased.
   * @param by the id of the admin who erases them; undefined: they erase themselves
   * @throws ApiError last_admin: there is no other admin. Somebody at an identity provider may be the last, because the next login
   * makes them an admin again
   * @throws ApiError forbidden: `by` is no admin any more
   */
  stepDown(userId: string, by?: string): Promise<void>;
}

export function createAccountAdmin(options: {
  store: AccountStore;
  logins: Pick<Logins, 'list' | 'endAll'>;
  /** Tell people of changes of their second factor and their role. */
  notices: AccountNotices;
}): AccountAdmin {
  const { store, logins, notices } = options;
  const named = (name: string) => (name.includes('@') ? store.byEmail(name) : store.byId(name));

  const show = async (account: Account): Promise<AdminAccount> => ({
    ...listed(account),
    logins: (await logins.list(account.userId)).length,
  });

  async function change(name: string, next: NextAccount): Promise<Account | undefined> {
    const found = await named(name);
    return found && (await store.change(found.userId, next));
  }

  /** The whole email of an account finds only that. */
  async function withEmail(search: string | undefined): Promise<Account | undefined> {
    return search?.includes('@') ? await store.byEmail(search) : undefined;
  }

  return {
    list: async ({ limit, cursor, ...given }) => {
      const wanted = { ...given, search: given.search?.toLowerCase() };
      const exact = await withEmail(wanted.search);
      if (exact) return { accounts: isWanted(exact, wanted) ? [listed(exact)] : [], nextCursor: null };
      const found: Account[] = [];
      // Without a filter, one more than asked for says whether there are more.
      const together = Object.values(given).every((value) => value === undefined) ? limit + 1 : READ_TOGETHER;
      let after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
      const page = (next: string | undefined): AccountList => ({
        accounts: found.map(listed),
        nextCursor: next === undefined ? null : Buffer.from(next).toString('base64url'),
      });
      for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT; lookedAt += together) {
        const { accounts, next } = await store.page(after, together);
        for (const account of accounts) {
          if (!isWanted(account, wanted)) continue;
          if (found.length === limit) return page(found.at(-1)!.email);
          found.push(account);
        }
        if (next === undefined) return page(undefined);
        after = next;
      }
      return page(after);
    },
    find: async (name) => {
      const found = await named(name);
      return found && show(found);
    },
    disable: async (name, by) => {
      const disabledAt = new Date().toISOString();
      const disabled = await change(name, async (account) => {
        if (by !== undefined) await mustStayAdmin(store, by);
        return withSessionsEnded({ disabledAt, ...account });
      });
      // After the account, so that no login can begin in between.
      if (disabled) await logins.endAll(disabled.userId);
      return disabled && show(disabled);
    },
    enable: async (name) => {
      const changed = await change(name, enabled);
      return changed && show(changed);
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
    setRole: async (name, role, by) => {
      let before: Role = role;
      const changed = await change(name, async (account) => {
        if (account.provider) throw new ApiError('role_of_provider');
        if (by !== undefined) await mustStayAdmin(store, by);
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
    stepDown: async (userId, by) => {
      await store.change(userId, async (account) => {
        if (!isEnabledAdmin(account)) return undefined;
        if (by !== undefined) await mustStayAdmin(store, by);
        else if (!account.provider) await mustHaveAnotherAdmin(store, userId);
        return { ...account, role: 'user' };
      });
    },
  };
}

const enabled = ({ disabledAt: _, ...account }: Account): Account => account;

function listed(account: Account): ListedAccount {
  const { userId, role, tenantId, createdAt, disabledAt, secondFactor, lastLoginAt, provider } = account;
  return {
    userId,
    email: shownEmail(account) ?? null,
    atProvider: provider !== undefined,
    role,
    tenantId: tenantId ?? null,
    createdAt,
    disabledAt: disabledAt ?? null,
    secondFactorAt: secondFactor?.confirmedAt ?? null,
    lastLoginAt: lastLoginAt ?? null,
  };
}

/** @param wanted.search in lower case */
function isWanted(account: Account, wanted: Omit<AccountListing, 'limit' | 'cursor'>): boolean {
  const { search, role, state, secondFactor } = wanted;
  if (search !== undefined && !shownEmail(account)?.toLowerCase().includes(search)) return false;
  if (role !== undefined && account.role !== role) return false;
  if (state !== undefined && (account.disabledAt === undefined) !== (state === 'enabled')) return false;
  return secondFactor === undefined || hasSecondFactor(account) === secondFactor;
}
