import { createHash } from 'node:crypto';
import type { LoginTries, LoginTriesRules } from '../../adapters/logins/login-tries.ts';
import { ApiError } from '../../contracts/errors.ts';

/** From one address, about a hundred guesses at one account are possible in a day. */
export const LOGIN_TRIES_RULES: LoginTriesRules = {
  free: 5,
  firstWaitMs: 1_000,
  longestWaitMs: 900_000,
  keepMs: 24 * 3_600_000,
};

/**
 * Runs a check of who somebody is, unless this client has failed too often to get into this account. Failures count for
 * address and account together. So nobody can lock somebody else out by failing from elsewhere.
 * @param who.address see clientAddress
 * @param who.account what the client names the account with, also if there is no such account
 * @throws ApiError rate_limited
 * @throws StoreUnavailableError
 */
export type GuardLogin = <T>(who: { address: string; account: string }, check: () => Promise<T>) => Promise<T>;

export function createGuardLogin(tries: LoginTries): GuardLogin {
  return async ({ address, account }, check) => {
    const key = createHash('sha256').update(`${address} ${account}`).digest('base64url');
    const waitMs = await tries.begin(key);
    if (waitMs > 0) throw new ApiError('rate_limited', { retryAfterSeconds: Math.ceil(waitMs / 1000) });
    const result = await check();
    await tries.forget(key);
    return result;
  };
}
