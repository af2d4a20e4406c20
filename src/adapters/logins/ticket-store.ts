import type { Caller } from '../../contracts/account.ts';

/**
 * Tickets that stand for a token once. The store holds only a hash of each, so nobody who reads the store can use what it
 * holds. Every method rejects with StoreUnavailableError if the store is out of reach.
 */
export interface TicketStore {
  /** Keeps a ticket. It expires after `ttlMs`. */
  keep(ticketHash: string, caller: Caller, ttlMs: number): Promise<void>;
  /** Uses a ticket up, and returns whose it was. undefined: it was used before, has expired, or never existed. */
  take(ticketHash: string): Promise<Caller | undefined>;
}
