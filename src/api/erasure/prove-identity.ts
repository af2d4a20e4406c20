import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { GuardLogin } from '../auth/guard-login.ts';
import type { Passwords } from '../auth/passwords.ts';

const FRESH_SECONDS = 600;

/** Makes sure that whoever asks for an erasure is the user, and not somebody who has found an open page or an old token. */
export type ProveIdentity = (
  caller: { userId: string; authenticatedAt?: number | undefined },
  given: { password?: string | undefined; confirm?: string | undefined },
  address: string,
) => Promise<void>;

/**
 * The proof of a user with a password is that. All others log in at an identity provider: they name themselves, and have
 * logged in within ten minutes.
 * @returns a function that throws ApiError validation_failed, wrong_password, login_too_old, rate_limited, overloaded
 * @param options.accounts undefined: an identity provider has the accounts, and so are the next two
 */
export function createProveIdentity(options: {
  accounts: Pick<AccountStore, 'byId'> | undefined;
  passwords?: Passwords;
  guardLogin?: GuardLogin;
}): ProveIdentity {
  const { accounts, passwords, guardLogin } = options;
  return async ({ userId, authenticatedAt }, { password, confirm }, address) => {
    const account = await accounts?.byId(userId);
    if (account?.passwordHash !== undefined) {
      if (password === undefined) throw missing('password', 'is needed');
      await guardLogin!({ address, account: userId }, async () => {
        if (!(await passwords!.verify(password, account.passwordHash))) throw new ApiError('wrong_password');
      });
      return;
    }
    if (confirm !== userId) throw missing('confirm', 'must be your own userId');
    mustHaveJustLoggedIn({ authenticatedAt });
  };
}

/** A token can be stolen, so it is not enough to be shown everything at once. @throws ApiError login_too_old */
export function mustHaveJustLoggedIn({ authenticatedAt }: { authenticatedAt?: number | undefined }): void {
  if (authenticatedAt === undefined || Date.now() / 1000 - authenticatedAt > FRESH_SECONDS) {
    throw new ApiError('login_too_old');
  }
}

const missing = (path: string, message: string) => new ApiError('validation_failed', { errors: [{ path, message }] });
