import { createHash, randomBytes } from 'node:crypto';
import type { OneTimeEntries } from '../../adapters/accounts/one-time-entries.ts';
import type { LoginTries, LoginTriesRules } from '../../adapters/logins/login-tries.ts';

/** One email gets about thirty mails of a kind in a day at most. */
export const MAIL_RULES: LoginTriesRules = {
  free: 3,
  firstWaitMs: 60_000,
  longestWaitMs: 3_600_000,
  keepMs: 24 * 3_600_000,
};

/** Links that are sent by mail. Each counts once, and only its hash is kept. */
export interface MailLinks<T> {
  /**
   * Makes a link for an email, unless it was asked for too often. It does the same work for every email.
   * @param send is called with the link, and nobody waits for it
   * @throws StoreUnavailableError
   */
  make(email: string, entry: T, send: (link: string) => Promise<void>): Promise<void>;
  /** Returns what the token of a link stands for, and leaves it there; undefined: nothing. @throws StoreUnavailableError */
  find(token: string): Promise<T | undefined>;
  /** The same, and uses the link up. */
  take(token: string): Promise<T | undefined>;
}

/**
 * @param options.note notes that a link is made for an email, so that an erasure finds it by its hash
 * @param options.asks by email: how often mails may be asked for
 * @param options.route of the chat page: `reset`
 */
export function createMailLinks<T>(options: {
  entries: OneTimeEntries<T>;
  note: (email: string, tokenHash: string, ttlMs: number) => Promise<void>;
  asks: Pick<LoginTries, 'begin'>;
  publicUrl: string;
  route: string;
  ttlMs: number;
  onError: (error: unknown) => void;
}): MailLinks<T> {
  const { entries, note, asks, publicUrl, route, ttlMs, onError } = options;
  return {
    make: async (email, entry, send) => {
      // Who asks too often gets the same reply.
      if ((await asks.begin(sha256(email))) > 0) return;
      const token = randomBytes(32).toString('base64url');
      await note(email, sha256(token), ttlMs);
      await entries.keep(sha256(token), entry, ttlMs);
      send(`${publicUrl.replace(/\/+$/, '')}/#/${route}/${token}`).catch(onError);
    },
    find: (token) => entries.find(sha256(token)),
    take: (token) => entries.take(sha256(token)),
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
