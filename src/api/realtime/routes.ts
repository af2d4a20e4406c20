import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { TicketStore } from '../../adapters/logins/ticket-store.ts';
import { serverSentEvent, ticketIssued } from '../../contracts/http/realtime-bodies.ts';
import { limits } from '../../contracts/limits.ts';
import { bearer, json, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import {
  type EventsOptions,
  getRequestEvents,
  getSessionEvents,
  headOfRequestEvents,
  headOfSessionEvents,
} from './events.ts';
import { POSITION, POSITION_IN_SESSION } from './read-position.ts';
import { SOCKET_PATH, type Sockets } from './socket/sockets.ts';
import { authenticateWithTicket, issueTicket, type RedeemTicket } from './tickets.ts';

export interface RealtimeRouterOptions extends EventsOptions {
  /** Sets `req.user`, or answers 401. */
  authenticate: RequestHandler;
  /** Answers 429 to a user who asks too often. */
  limitRead: RequestHandler;
  tickets: Pick<TicketStore, 'keep'>;
  redeemTicket: RedeemTicket;
  sockets: Pick<Sockets, 'refuse'>;
}

/** The routes that tell how an answer comes about. */
export function createRealtimeRouter(options: RealtimeRouterOptions): Router {
  const { authenticate, limitRead, tickets, redeemTicket, sockets } = options;
  const authenticateReader = authenticateWithTicket(redeemTicket, authenticate);
  return Router()
    .get(SOCKET_PATH, sockets.refuse)
    .post('/chat/tickets', authenticate, limitRead, issueTicket(tickets))
    .head('/chat/session/:sessionId/events', authenticateReader, limitRead, headOfSessionEvents(options))
    .head('/chat/requests/:requestId/events', authenticateReader, limitRead, headOfRequestEvents(options))
    .get('/chat/session/:sessionId/events', authenticateReader, limitRead, getSessionEvents(options))
    .get('/chat/requests/:requestId/events', authenticateReader, limitRead, getRequestEvents(options));
}

const tags = ['Chat'];
const faults = ['unauthenticated', 'rate_limited', 'store_unavailable', 'identity_unavailable'] as const;
const id = z.string().max(limits.idChars);
/** What a reader of a stream may send. @param form of an id: in words, and as a pattern */
const readingOf = ({ words, pattern }: { words: string; pattern: RegExp }) => ({
  query: z.object({
    ticket: z.string().optional().describe('A ticket of `POST /chat/tickets`, in place of the access token.'),
    after: z.string().regex(pattern).optional().describe('As `Last-Event-ID`, which counts if both are given.'),
  }),
  header: z.object({
    'Last-Event-ID': z
      .string()
      .regex(pattern)
      .optional()
      .describe(`Resumes after this event: ${words}. Left out or -1: from the beginning.`),
  }),
});
const inSession = { words: '`requestId:number`', pattern: POSITION_IN_SESSION };
const inRequest = { words: 'a number', pattern: POSITION };
const events = {
  200: {
    description:
      'Server-sent events: `id` is where a reader resumes, `event` is the type and `data` is the event as JSON. The stream ends ' +
      'after `completed`, `failed` or `cancelled`. If it ends before, connect again with the last id. docs/protocol.md has the ' +
      'details.',
    content: { 'text/event-stream': { schema: serverSentEvent } },
  },
  204: { description: 'You have the end of the answer already.' },
  ...problems('validation_failed', 'not_found', 'too_many_streams', 'stopping', ...faults),
};

/** The OpenAPI description of these routes. */
export const realtimePaths: ZodOpenApiPathsObject = {
  '/chat/tickets': {
    post: {
      tags,
      security: bearer,
      summary: 'Get a ticket for an event stream',
      description:
        'A ticket stands for your token once, within 30 seconds. A browser needs it, because `EventSource` sends no headers, ' +
        'and a token must not be in an address.',
      operationId: 'issueTicket',
      responses: { 201: json('The ticket.', ticketIssued, rateLimitHeaders), ...problems(...faults) },
    },
  },
  [SOCKET_PATH]: {
    get: {
      tags,
      summary: 'Open a WebSocket',
      description:
        'Carries questions, and the events of many answers. The first message authenticates, with a token or a ticket. ' +
        '`/asyncapi.json` has the messages, and docs/protocol.md says what they mean.',
      operationId: 'openSocket',
      responses: {
        101: { description: 'It is open.' },
        ...problems('origin_not_allowed', 'upgrade_required', 'store_unavailable', 'stopping'),
      },
    },
  },
  '/chat/session/{sessionId}/events': {
    get: {
      tags,
      security: bearer,
      summary: 'Follow the newest question of a session',
      operationId: 'followSession',
      requestParams: { path: z.object({ sessionId: id }), ...readingOf(inSession) },
      responses: events,
    },
  },
  '/chat/requests/{requestId}/events': {
    get: {
      tags,
      security: bearer,
      summary: 'Follow a question',
      operationId: 'followRequest',
      requestParams: { path: z.object({ requestId: id }), ...readingOf(inRequest) },
      responses: events,
    },
  },
};
