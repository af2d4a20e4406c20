import type { VerifiedToken } from '../../contracts/account.ts';

/**
 * Tickets that stand for a token once. The store holds only a hash of each, so nobody who reads the store can use what it
 * holds. Every method rejects with StoreUnavailableError if the store is out of reach.
 */
export interface TicketStore {
  /** Keeps a ticket, and which token it stands for. It expires after `ttlMs`. */
  keep(ticketHash: string, token: VerifiedToken, ttlMs: number): Promise<void>;
  /** Uses a ticket up, and returns which token it stood for. undefined: it was used before, has expired, or never existed. */
  take(ticketHash: string): Promise<VerifiedToken | undefined>;
}
