import { z } from 'zod';
import { answerEvent } from '../answer-events.ts';
import { accepted } from './chat-bodies.ts';

export const ticketIssued = z
  .object({
    ticket: z
      .string()
      .describe(
        'Send it as `?ticket=...`, or as the first message of a WebSocket, in place of the access token. It can be used once.',
      ),
    expiresIn: z.int().describe('Seconds until it expires.'),
  })
  .meta({ id: 'Ticket' });

export type TicketIssued = z.output<typeof ticketIssued>;

const acceptedEvent = accepted.extend({ type: z.literal('accepted') }).meta({
  id: 'AcceptedEvent',
  description: 'The question was accepted. Only a stream of `POST /chat/send` begins with it.',
});

export const cutOffEvent = z
  .object({
    type: z.literal('cut_off'),
    reason: z
      .enum(['too_slow', 'log_lost'])
      .describe(
        '`too_slow`: connect again with your last id. `log_lost`: forget all text, and connect again without an id.',
      ),
  })
  .meta({ id: 'CutOffEvent', description: 'This connection ends before the answer does.' });

export type CutOffEvent = z.output<typeof cutOffEvent>;

/** What a stream of server-sent events consists of. */
export const streamEvent = z
  .union([answerEvent, acceptedEvent, cutOffEvent])
  .meta({ id: 'StreamEvent', description: 'An event of a stream.' });

/** How OpenAPI describes a body of server-sent events: this is one of them. */
export const serverSentEvent = z
  .object({
    event: z.string().optional().describe('The `type` of the event.'),
    id: z.string().optional().describe('Where a reader resumes.'),
    retry: z.string().optional().describe('After how many milliseconds to connect again.'),
    data: z.string().meta({
      contentMediaType: 'application/json',
      contentSchema: { $ref: '#/components/schemas/StreamEvent' },
    }),
  })
  .meta({ id: 'ServerSentEvent', description: 'One of the events that the body consists of.' });

export type StreamEvent = z.output<typeof streamEvent>;
