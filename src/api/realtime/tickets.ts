import { createHash, randomBytes } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { TicketStore } from '../../adapters/logins/ticket-store.ts';
import type { VerifiedToken } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { TicketIssued } from '../../contracts/http/realtime-bodies.ts';
import { endsOf } from '../auth/all-logins.ts';

const TICKET_MS = 30_000;
const WELL_FORMED = /^[\w-]{43}$/;

/**
 * POST /chat/tickets: issues a ticket that stands for the caller's token once. A browser's `EventSource` sends no headers, and
 * a token must not be in an address, because proxies log addresses.
 */
export function issueTicket(tickets: Pick<TicketStore, 'keep'>): RequestHandler {
  return async (req, res) => {
    const ticket = randomBytes(32).toString('base64url');
    // Only a token leads here.
    await tickets.keep(hashOf(ticket), req.user as VerifiedToken, TICKET_MS);
    res.status(201).json({ ticket, expiresIn: TICKET_MS / 1000 } satisfies TicketIssued);
  };
}

/**
 * Sets `req.user` from the ticket in the query. Without a ticket, `authenticate` decides.
 * Refuses with unauthenticated.
 */
export function authenticateWithTicket(redeem: RedeemTicket, authenticate: RequestHandler): RequestHandler {
  return async (req, res, next) => {
    const { ticket } = req.query;
    if (ticket === undefined) return authenticate(req, res, next);
    req.user = await redeem(ticket);
    next();
  };
}

/**
 * Uses a ticket up, and returns the token that it stands for.
 * @throws ApiError unauthenticated
 * @throws StoreUnavailableError
 */
export type RedeemTicket = (ticket: unknown) => Promise<VerifiedToken>;

/** @param options.hasEnded whether a login has ended, although its tokens have not expired */
export function createRedeemTicket(options: {
  tickets: Pick<TicketStore, 'take'>;
  hasEnded: (loginId: string) => boolean;
}): RedeemTicket {
  const { tickets, hasEnded } = options;
  return async (ticket) => {
    const wellFormed = typeof ticket === 'string' && WELL_FORMED.test(ticket);
    const token = wellFormed ? await tickets.take(hashOf(ticket)) : undefined;
    if (token && !endsOf(token).some(hasEnded)) return token;
    throw new ApiError('unauthenticated', { detail: 'The ticket was used, has expired, or never existed.' });
  };
}

const hashOf = (ticket: string) => createHash('sha256').update(ticket).digest('hex');
