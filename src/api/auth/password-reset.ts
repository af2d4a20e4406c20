import { createHash, randomBytes } from 'node:crypto';
import type { OneTimeEntries } from '../../adapters/accounts/one-time-entries.ts';
import type { LoginTries, LoginTriesRules } from '../../adapters/logins/login-tries.ts';
import type { Account } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Outbox } from '../../contracts/mail.ts';
import { mustBeHardToGuess } from './judge-password.ts';
import { type SetPasswordOptions, setPassword } from './set-password.ts';

/** What is kept of the wish for another password. */
export interface ResetWish {
  email: string;
  /** ms since 1970 */
  askedAt: number;
}

/** One email gets about thirty mails in a day at most. */
export const RESET_MAIL_RULES: LoginTriesRules = {
  free: 3,
  firstWaitMs: 60_000,
  longestWaitMs: 3_600_000,
  keepMs: 24 * 3_600_000,
};

/** Lets people who have forgotten their password choose another one, with a link that is sent to their email. */
export interface PasswordReset {
  /**
   * Sends the link, if the email has an account that is not disabled. It does the same work for every email: whether there is an
   * account is found out later.
   * @param onSent is called if a mail is sent
   * @throws StoreUnavailableError
   */
  ask(email: string, onSent: (account: Account) => void): Promise<void>;
  /**
   * Uses a link up, and ends all logins of the account. A password that is too weak leaves the link as it is.
   * @returns whose account it is
   * @throws ApiError reset_invalid, password_too_weak, overloaded
   * @throws StoreUnavailableError
   */
  use(token: string, password: string): Promise<Account>;
}

export function createPasswordReset(
  options: SetPasswordOptions & {
    wishes: OneTimeEntries<ResetWish>;
    /** By email: how often mails may be asked for. */
    asks: Pick<LoginTries, 'begin'>;
    outbox: Outbox;
    publicUrl: string;
    ttlMs: number;
    onError: (error: unknown) => void;
  },
): PasswordReset {
  const { store, wishes, asks, outbox, publicUrl, ttlMs, onError } = options;

  async function sendLink(email: string, token: string, onSent: (account: Account) => void): Promise<void> {
    const account = await store.byEmail(email);
    if (!account || account.disabledAt !== undefined) return;
    const link = `${publicUrl.replace(/\/+$/, '')}/#/reset/${token}`;
    outbox.send({ to: email, subject: 'Choose another password', text: textOf(link, ttlMs) });
    onSent(account);
  }

  return {
    ask: async (email, onSent) => {
      // Who asks too often gets the same reply.
      if ((await asks.begin(sha256(email))) > 0) return;
      const token = randomBytes(32).toString('base64url');
      await wishes.keep(sha256(token), { email, askedAt: Date.now() }, ttlMs);
      sendLink(email, token, onSent).catch(onError);
    },
    use: async (token, password) => {
      const wish = await wishes.find(sha256(token));
      if (!wish) throw new ApiError('reset_invalid');
      mustBeHardToGuess(password, wish);
      const account = await store.byEmail(wish.email);
      const isTaken = (await wishes.take(sha256(token))) !== undefined;
      if (!isTaken || !account || account.disabledAt !== undefined) throw new ApiError('reset_invalid');
      // Another link was used since, the person has remembered the password and changed it, or the account is another one.
      if (Date.parse(account.passwordChangedAt ?? account.createdAt) >= wish.askedAt)
        throw new ApiError('reset_invalid');
      await setPassword(options, account, password);
      return account;
    },
  };
}

const textOf = (link: string, ttlMs: number) => `Somebody asked for another password for your account at healify-chat.

If it was you, open this link within ${Math.round(ttlMs / 60_000)} minutes and choose one:

${link}

All logins of your account end then. If it was not you, do nothing. Your password stays as it is.
`;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
