import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { Account } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { AccountNotices } from './account-notices.ts';
import { mustBeHardToGuess } from './judge-password.ts';
import type { Logins } from './logins.ts';
import type { Passwords } from './passwords.ts';

export interface SetPasswordOptions {
  store: AccountStore;
  passwords: Passwords;
  logins: Pick<Logins, 'endAll'>;
  notices: AccountNotices;
}

/**
 * Gives an account another password, ends its logins, also those to the admin's pages, and tells its person.
 * @param keptLogin the one login that goes on
 * @throws ApiError password_too_weak, overloaded
 */
export async function setPassword(
  { store, passwords, logins, notices }: SetPasswordOptions,
  { userId, email }: Pick<Account, 'userId' | 'email'>,
  password: string,
  keptLogin?: string,
): Promise<void> {
  mustBeHardToGuess(password, { email });
  const passwordHash = await passwords.hash(password);
  const passwordChangedAt = new Date().toISOString();
  const changed = await store.change(userId, (account) => ({ ...account, passwordHash, passwordChangedAt }));
  // After the account, so that nobody begins another login with the old password.
  await logins.endAll(userId, keptLogin);
  if (changed) notices.tell(changed, 'password_changed');
}

/** Changes the password of a user who knows the present one. @throws ApiError wrong_password, see also setPassword */
export async function changePassword(
  options: SetPasswordOptions,
  caller: { userId: string; loginId?: string | undefined },
  { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
): Promise<void> {
  const account = await options.store.byId(caller.userId);
  const matches = await options.passwords.verify(currentPassword, account?.passwordHash);
  if (!account || !matches) throw new ApiError('wrong_password');
  await setPassword(options, account, newPassword, caller.loginId);
}
