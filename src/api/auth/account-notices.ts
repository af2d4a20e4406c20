import { type Account, shownEmail } from '../../contracts/account.ts';
import { email } from '../../contracts/http/account-bodies.ts';
import type { Outbox } from '../../contracts/mail.ts';

/** What somebody is told of their account, because it may not have been them. */
export type AccountNotice = keyof typeof words;

/**
 * Tells people by mail what became of their accounts. Nobody waits for it, and it never fails. Nobody has to verify an email, so
 * somebody could make an account with another's, and change it again and again. So an account causes only some mails of a kind in an
 * hour; the first ones are sent.
 */
export interface AccountNotices {
  /** @param account as it is now. Its mail goes to the email that people see, if there is one */
  tell(account: Account, notice: AccountNotice): void;
}

const MOST_IN_AN_HOUR = 5;
const HOUR_MS = 3_600_000;
const MOST_REMEMBERED = 10_000;

/** For where no mails are sent. */
export const noNotices: AccountNotices = { tell: () => {} };

/** @param options.publicUrl where people open the chat page */
export function createAccountNotices(options: { outbox: Outbox; publicUrl: string }): AccountNotices {
  const { outbox } = options;
  const page = `${options.publicUrl.replace(/\/+$/, '')}/`;
  /** When the latest mails of each kind to each account were sent, in ms of the monotonic clock. The oldest come first. */
  const sent = new Map<string, number[]>();

  function isTooOften(kind: string): boolean {
    const now = performance.now();
    const latest = (sent.get(kind) ?? []).filter((at) => now - at < HOUR_MS);
    if (latest.length >= MOST_IN_AN_HOUR) return true;
    sent.delete(kind);
    if (sent.size >= MOST_REMEMBERED) sent.delete(sent.keys().next().value!);
    sent.set(kind, [...latest, now]);
    return false;
  }

  return {
    tell: (account, notice) => {
      // What an identity provider says may be anything.
      const to = email.safeParse(shownEmail(account));
      if (!to.success || isTooOften(`${notice} ${account.userId}`)) return;
      const { subject, happened } = words[notice];
      outbox.send({ to: to.data, subject, text: textOf(account, happened(account), page) });
    },
  };
}

const words = {
  password_changed: {
    subject: 'Your password was changed',
    happened: () => 'The password of your account was changed. Its other logins have ended.',
  },
  second_factor_set_up: {
    subject: 'An authenticator app was set up',
    happened: () => 'An authenticator app was set up for your account. Each login needs a code of it from now on.',
  },
  second_factor_removed: {
    subject: 'Your authenticator app was removed',
    happened: () => 'The authenticator app of your account was removed. The password is enough to log in now.',
  },
  recovery_codes_replaced: {
    subject: 'Your recovery codes were replaced',
    happened: () => 'Your account has new recovery codes. The earlier ones do not count any more.',
  },
  recovery_code_used: {
    subject: 'A recovery code was used',
    happened: () => 'Somebody used a recovery code of your account in place of the authenticator app.',
  },
  role_changed: {
    subject: 'Your role was changed',
    happened: ({ role }: Account) => `Your account has another role now: ${role.replaceAll('_', ' ')}.`,
  },
  provider_account_made: {
    subject: 'An account was made for you',
    happened: () => 'Somebody logged in at the identity provider with this email for the first time.',
  },
  provider_email_changed: {
    subject: 'Your email was changed',
    happened: () => 'The identity provider says another email for your account now. Mails like this one go there.',
  },
} as const;

const textOf = ({ provider }: Account, happened: string, page: string) => `${happened}

This was at healify-chat (${page}), on ${new Date().toISOString().slice(0, 16).replace('T', ' at ')} UTC.

If it was you, or you know of it, there is nothing to do. If not:

${
  provider
    ? '- Change your password at the identity provider.'
    : `- Choose another password: open ${page}, and say there that you have forgotten yours.
- Look under Account where you are logged in, and end what is not you.`
}
- Tell those who run this service. They can disable the account.
`;
