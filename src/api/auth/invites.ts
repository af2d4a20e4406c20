import { createHash, randomBytes } from 'node:crypto';
import type { OneTimeEntries } from '../../adapters/accounts/one-time-entries.ts';
import type { InviteBody } from '../../contracts/http/admin-account-bodies.ts';

/** What is kept of an invite: since when it is there, ISO 8601. */
export interface Invite {
  madeAt: string;
}

/**
 * Invites. Each lets one person make an account. Both methods reject with StoreUnavailableError if the store is out of reach.
 */
export interface Invites {
  make(): Promise<InviteBody>;
  /** Uses an invite up. Returns false if it was used before, has expired, or never existed. */
  use(invite: string): Promise<boolean>;
}

const INVITE_BYTES = 32;

export function createInvites({ store, ttlMs }: { store: OneTimeEntries<Invite>; ttlMs: number }): Invites {
  return {
    make: async () => {
      const invite = randomBytes(INVITE_BYTES).toString('base64url');
      const now = Date.now();
      await store.keep(hashOf(invite), { madeAt: new Date(now).toISOString() }, ttlMs);
      return { invite, expiresAt: new Date(now + ttlMs).toISOString() };
    },
    use: async (invite) => (await store.take(hashOf(invite))) !== undefined,
  };
}

const hashOf = (invite: string) => createHash('sha256').update(invite).digest('hex');
