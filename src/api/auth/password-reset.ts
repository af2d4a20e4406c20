import type { Account } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Outbox } from '../../contracts/mail.ts';
import { markVerified } from './email-proofs.ts';
import { mustBeHardToGuess } from './judge-password.ts';
import type { MailLinks } from './mail-links.ts';
import { type SetPasswordOptions, setPassword } from './set-password.ts';

/** What is kept of the wish for another password. */
export interface ResetWish {
  email: string;
  /** ms since 1970 */
  askedAt: number;
}

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

/** @param options.ttlMs how long a link counts, for the text of the mail */
export function createPasswordReset(
  options: SetPasswordOptions & { links: MailLinks<ResetWish>; outbox: Outbox; ttlMs: number },
): PasswordReset {
  const { store, links, outbox, ttlMs } = options;
  return {
    ask: (email, onSent) =>
      links.make(email, { email, askedAt: Date.now() }, async (link) => {
        const account = await store.byEmail(email);
        if (!account || account.disabledAt !== undefined) return;
        outbox.send({ to: email, subject: 'Choose another password', text: textOf(link, ttlMs) });
        onSent(account);
      }),
    use: async (token, password) => {
      const wish = await links.find(token);
      if (!wish) throw new ApiError('reset_invalid');
      mustBeHardToGuess(password, wish);
      const account = await store.byEmail(wish.email);
      const isTaken = (await links.take(token)) !== undefined;
      if (!isTaken || !account || account.disabledAt !== undefined) throw new ApiError('reset_invalid');
      // Another link was used since, the person has remembered the password and changed it, or the account is another one.
      if (Date.parse(account.passwordChangedAt ?? account.createdAt) >= wish.askedAt)
        throw new ApiError('reset_invalid');
      await setPassword(options, account, password);
      await markVerified(store, account.userId);
      return account;
    },
  };
}

const textOf = (link: string, ttlMs: number) => `Somebody asked for another password for your account at healify-chat.

If it was you, open this link within ${Math.round(ttlMs / 60_000)} minutes and choose one:

${link}

All logins of your account end then. If it was not you, do nothing. Your password stays as it is.
`;
