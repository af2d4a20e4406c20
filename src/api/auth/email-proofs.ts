import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { type Account, isEmailProven } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Outbox } from '../../contracts/mail.ts';
import type { MailLinks } from './mail-links.ts';

/** How long a link counts. */
export const EMAIL_PROOF_MS = 24 * 3_600_000;
const MOST_REMEMBERED = 20_000;

/** Lets users prove that their email is theirs, with a link that is sent to it. */
export interface EmailProofs {
  /**
   * Sends the link, if the email has an account whose email is not verified. It does the same work for every email.
   * @param onSent is called if a mail is sent
   * @throws StoreUnavailableError
   */
  ask(email: string, onSent: (account: Account) => void): Promise<void>;
  /**
   * Uses a link up.
   * @returns whose account it is
   * @throws ApiError email_proof_invalid
   * @throws StoreUnavailableError
   */
  use(token: string): Promise<Account>;
}

/** @param options.links each stands for an email */
export function createEmailProofs(options: {
  store: Pick<AccountStore, 'byEmail' | 'change'>;
  links: MailLinks<{ email: string; askedAt: number }>;
  outbox: Outbox;
}): EmailProofs {
  const { store, links, outbox } = options;
  return {
    ask: (email, onSent) =>
      links.make(email, { email, askedAt: Date.now() }, async (link) => {
        const account = await store.byEmail(email);
        if (!account || account.disabledAt !== undefined || isEmailProven(account)) return;
        outbox.send({ to: email, subject: 'Verify your email', text: textOf(link) });
        onSent(account);
      }),
    use: async (token) => {
      const proof = await links.take(token);
      const account = proof && (await store.byEmail(proof.email));
      // The account may be another one, which somebody has made with this email since.
      if (!account || Date.parse(account.createdAt) > proof.askedAt) throw new ApiError('email_proof_invalid');
      await markVerified(store, account.userId);
      return account;
    },
  };
}

/** Notes that a link was opened that only the reader of the mail has. An email that is verified stays as it is. */
export async function markVerified(store: Pick<AccountStore, 'change'>, userId: string): Promise<void> {
  const emailVerifiedAt = new Date().toISOString();
  await store.change(userId, (account) => ({ emailVerifiedAt, ...account }));
}

/**
 * Makes sure that a user may ask. It remembers the users whose email it knows to be verified, so it costs one round trip for the
 * first question of a user.
 * @throws ApiError email_unverified
 * @throws StoreUnavailableError
 */
export type MayAsk = (userId: string) => Promise<void>;

export function createMayAsk(accounts: Pick<AccountStore, 'byId'>): MayAsk {
  const verified = new Set<string>();
  return async (userId) => {
    if (verified.has(userId)) return;
    const account = await accounts.byId(userId);
    // What happens to a user without an account is decided elsewhere.
    if (!account) return;
    if (!isEmailProven(account)) throw new ApiError('email_unverified');
    if (verified.size >= MOST_REMEMBERED) verified.delete(verified.values().next().value!);
    verified.add(userId);
  };
}

const textOf = (link: string) => `Somebody made an account at healify-chat with this email.

If it was you, open this link within 24 hours:

${link}

If it was not you, do nothing. Nobody can ask anything with the account.
`;
