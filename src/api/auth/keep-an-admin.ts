import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { isEnabledAdmin } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';

const READ_TOGETHER = 500;

/**
 * Makes sure that an admin stays while another account loses its rights. Call it within `AccountStore.change` of that account.
 *
 * No store changes two accounts in one step. So this changes the admin's account to the same, after the other account was read and
 * before it is changed. If two admins take each other's rights away at the same moment, this change of one of them comes between
 * the read and the change of the other one. The other one then begins again, and sees that it is no admin any more.
 * @param by the id of the admin
 * @throws ApiError forbidden: it is no admin any more
 */
export async function mustStayAdmin(store: Pick<AccountStore, 'change'>, by: string): Promise<void> {
  if (!(await staysAdmin(store, by))) throw new ApiError('forbidden', { detail: 'You are no admin any more.' });
}

/**
 * The same, with whatever other admin there is. Those of an identity provider do not count, because it can take their role at any time.
 * @throws ApiError last_admin
 */
export async function mustHaveAnotherAdmin(
  store: Pick<AccountStore, 'change' | 'page'>,
  userId: string,
): Promise<void> {
  let after: string | undefined;
  do {
    const { accounts, next } = await store.page(after, READ_TOGETHER);
    for (const account of accounts) {
      const counts = account.userId !== userId && account.provider === undefined && isEnabledAdmin(account);
      if (counts && (await staysAdmin(store, account.userId))) return;
    }
    after = next;
  } while (after !== undefined);
  throw new ApiError('last_admin');
}

const staysAdmin = async (store: Pick<AccountStore, 'change'>, userId: string): Promise<boolean> =>
  (await store.change(userId, (account) => (isEnabledAdmin(account) ? account : undefined))) !== undefined;
