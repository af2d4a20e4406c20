import { z } from 'zod';

export const ticketIssued = z
  .object({
    ticket: z.string().describe('Send it as `?ticket=...` in place of the access token. It can be used once.'),
    expiresIn: z.int().describe('Seconds until it expires.'),
  })
  .meta({ id: 'Ticket' });

export type TicketIssued = z.output<typeof ticketIssued>;
