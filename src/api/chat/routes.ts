import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { feedback } from '../../contracts/feedback.ts';
import {
  accepted,
  historyPage,
  historyQuery,
  sendBody,
  session,
  sessionNow,
  sessionQuery,
  turnWithSession,
} from '../../contracts/http/chat-bodies.ts';
import { feedbackBody } from '../../contracts/http/feedback-bodies.ts';
import { me } from '../../contracts/http/me.ts';
import { serverSentEvent } from '../../contracts/http/realtime-bodies.ts';
import { renameBody, sessionSummary, sessionsPage, sessionsQuery } from '../../contracts/http/session-bodies.ts';
import { limits } from '../../contracts/limits.ts';
import { bearer, bodyFaults, json, jsonBody, problems, rateLimitHeaders } from '../docs/describe-operation.ts';
import { type CancelOptions, cancelRequest, cancelSession } from './cancel.ts';
import type { SessionEraser } from './erase-session.ts';
import { deleteFeedback, type FeedbackOptions, putFeedback } from './feedback.ts';
import { getHistory } from './history.ts';
import { getMe, type MeOptions } from './me.ts';
import { type SendOptions, sendMessage } from './send.ts';
import { deleteSession, getSession } from './session.ts';
import { getSessions, patchSession } from './sessions.ts';

export interface ChatRouterOptions
  extends SendOptions,
    MeOptions,
    FeedbackOptions,
    Pick<CancelOptions, 'cancelRequests' | 'logs'> {
  /** Sets `req.user`, or answers 401. */
  authenticate: RequestHandler;
  /** Answer 429 to a user who asks too often. */
  limitSend: RequestHandler;
  limitRead: RequestHandler;
  conversations: ConversationStore;
  eraser: SessionEraser;
  trail: Pick<AuditTrail, 'note'>;
}

/** The chat's routes. Callers are authenticated, and within their limits. */
export function createChatRouter(options: ChatRouterOptions): Router {
  const { authenticate, limitSend, limitRead, conversations, eraser, trail } = options;
  return Router()
    .get('/me', authenticate, limitRead, getMe(options))
    .post('/chat/send', authenticate, limitSend, sendMessage(options))
    .get('/chat/sessions', authenticate, limitRead, getSessions(conversations))
    .get('/chat/session/:sessionId', authenticate, limitRead, getSession(options))
    .post('/chat/session/:sessionId/cancel', authenticate, limitRead, cancelSession(options))
    .post('/chat/requests/:requestId/cancel', authenticate, limitRead, cancelRequest(options))
    .put('/chat/requests/:requestId/feedback', authenticate, limitRead, putFeedback(options))
    .delete('/chat/requests/:requestId/feedback', authenticate, limitRead, deleteFeedback(options))
    .patch('/chat/session/:sessionId', authenticate, limitRead, patchSession(conversations))
    .delete('/chat/session/:sessionId', authenticate, limitRead, deleteSession(eraser, trail))
    .get('/chat/history/:userId', authenticate, limitRead, getHistory(conversations, options.line));
}

const tags = ['Chat'];
const readFaults = [
  'unauthenticated',
  'not_found',
  'rate_limited',
  'store_unavailable',
  'identity_unavailable',
] as const;
const id = z.string().max(limits.idChars);
const prefer = (what: string) =>
  z
    .string()
    .optional()
    .meta({ description: `RFC 7240; \`wait=N\` holds the reply up to N seconds for ${what}.`, example: 'wait=30' });
const preferenceApplied = z
  .string()
  .optional()
  .meta({ description: 'The longest that the reply was held.', example: 'wait=30' });
const contentLocation = z
  .string()
  .optional()
  .meta({ description: 'Where a stream of events is resumed.', example: '/chat/requests/9b2f…/events' });
const withEvents = (reply: ReturnType<typeof json>) => ({
  ...reply,
  content: { ...reply.content, 'text/event-stream': { schema: serverSentEvent } },
});
const sendHeaders = {
  ...rateLimitHeaders,
  Location: z.string().meta({ description: 'The session.', example: '/chat/session/9b2f…' }),
  'Preference-Applied': preferenceApplied,
};

/** The OpenAPI description of these routes. */
export const chatPaths: ZodOpenApiPathsObject = {
  '/me': {
    get: {
      tags,
      security: bearer,
      summary: 'See who you are and what you may do',
      description: 'What a page needs to know before the first question: your roles, the models and the limits.',
      operationId: 'getMe',
      responses: {
        200: json('You.', me, rateLimitHeaders),
        ...problems('unauthenticated', 'rate_limited', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
  '/chat/sessions': {
    get: {
      tags,
      security: bearer,
      summary: 'List your sessions, newest first',
      operationId: 'listSessions',
      requestParams: { query: sessionsQuery },
      responses: {
        200: json('A page of sessions.', sessionsPage, rateLimitHeaders),
        ...problems(
          'validation_failed',
          'unauthenticated',
          'rate_limited',
          'store_unavailable',
          'identity_unavailable',
        ),
      },
    },
  },
  '/chat/send': {
    post: {
      tags,
      security: bearer,
      summary: 'Ask a question',
      description:
        'Answered `202` once the message broker has the question. Ask for the answer at `Location`, or wait for it ' +
        'with `Prefer: wait`. To be able to cancel the question while you wait, choose the `sessionId` yourself, with ' +
        '`newSession: true`. With `Accept: text/event-stream` the reply is `200` with the events of the answer while it is written. ' +
        'The first event is `accepted`.',
      operationId: 'sendMessage',
      requestParams: {
        header: z.object({
          'Idempotency-Key': z.string().max(limits.idempotencyKeyChars).optional().meta({
            description:
              'Makes a repeat of this request return what the first one did. With or without quotes it is the same key.',
          }),
          Prefer: prefer('the answer'),
          traceparent: z.string().optional().meta({ description: 'W3C trace context to continue.' }),
          tracestate: z.string().optional().meta({ description: 'Is passed on with the `traceparent`.' }),
        }),
      },
      requestBody: jsonBody(sendBody),
      responses: {
        200: withEvents(
          json('The question has ended while the reply was held; see `status`. Or the events.', turnWithSession, {
            ...sendHeaders,
            'Content-Location': contentLocation,
          }),
        ),
        202: json('The broker has the question; the answer comes later.', accepted, sendHeaders),
        ...problems(
          'validation_failed',
          ...bodyFaults,
          'unauthenticated',
          'email_unverified',
          'session_not_found',
          'session_id_taken',
          'session_full',
          'user_erased',
          'idempotency_key_reused',
          'rate_limited',
          'broker_unavailable',
          'store_unavailable',
          'identity_unavailable',
          'overloaded',
          'too_many_streams',
          'stopping',
        ),
      },
    },
  },
  '/chat/session/{sessionId}': {
    get: {
      tags,
      security: bearer,
      summary: 'See a session and its answers',
      description:
        'Gives the newest turns, and a `nextCursor` that leads to those before them. With `Prefer: wait` the reply is held ' +
        'until the latest turn has ended, or the time is over; either way it is `200` with the session as it is then.',
      operationId: 'getSession',
      requestParams: {
        path: z.object({ sessionId: id }),
        query: sessionQuery,
        header: z.object({ Prefer: prefer('the end of the latest turn') }),
      },
      responses: {
        200: json('The session.', sessionNow, { ...rateLimitHeaders, 'Preference-Applied': preferenceApplied }),
        ...problems('validation_failed', ...readFaults),
      },
    },
    patch: {
      tags,
      security: bearer,
      summary: 'Give a session another title',
      operationId: 'renameSession',
      requestParams: { path: z.object({ sessionId: id }) },
      requestBody: jsonBody(renameBody),
      responses: {
        200: json('The session has this title.', sessionSummary, rateLimitHeaders),
        ...problems('validation_failed', ...bodyFaults, ...readFaults),
      },
    },
    delete: {
      tags,
      security: bearer,
      summary: 'Erase a session',
      description:
        'Erases all that is kept of it, in every store. What is under way is cancelled, and an answer that comes all the same is ' +
        'dropped. When this replies, questions, answers, jobs and cached answers are gone. The rest is looked for and erased ' +
        'within seconds or minutes; the receipt at `Location` says when. If it fails half way, send it again; if you do not, we go on.',
      operationId: 'deleteSession',
      requestParams: { path: z.object({ sessionId: id }) },
      responses: {
        204: {
          description: 'It is erased.',
          headers: z.object({
            Location: z.string().meta({ description: 'The receipt.', example: '/erasures/3f0c…' }),
          }),
        },
        ...problems(...readFaults),
      },
    },
  },
  '/chat/requests/{requestId}/cancel': {
    post: {
      tags,
      security: bearer,
      summary: 'Cancel one question',
      description:
        'Stops the work wherever it is: in the queue, before a retry, or while the model is being asked. A question that ' +
        'has ended is given as it is.',
      operationId: 'cancelRequest',
      requestParams: { path: z.object({ requestId: id }) },
      responses: {
        200: json('The question as it is now.', turnWithSession, rateLimitHeaders),
        ...problems(...readFaults),
      },
    },
  },
  '/chat/requests/{requestId}/feedback': {
    put: {
      tags,
      security: bearer,
      summary: 'Say what you think of an answer',
      description: 'An answer has one rating. A second one replaces the first.',
      operationId: 'giveFeedback',
      requestParams: { path: z.object({ requestId: id }) },
      requestBody: jsonBody(feedbackBody),
      responses: {
        200: json('What is kept with the turn.', feedback, rateLimitHeaders),
        ...problems('validation_failed', 'no_answer', ...bodyFaults, ...readFaults),
      },
    },
    delete: {
      tags,
      security: bearer,
      summary: 'Withdraw what you said about an answer',
      operationId: 'withdrawFeedback',
      requestParams: { path: z.object({ requestId: id }) },
      responses: { 204: { description: 'Nothing is kept.' }, ...problems('no_answer', ...readFaults) },
    },
  },
  '/chat/session/{sessionId}/cancel': {
    post: {
      tags,
      security: bearer,
      summary: 'Cancel what has not ended in a session',
      description:
        'Stops the work wherever it is: in the queue, before a retry, or while the model is being asked. A session ' +
        'in which everything has ended is given as it is.',
      operationId: 'cancelSession',
      requestParams: { path: z.object({ sessionId: id }) },
      responses: { 200: json('The session as it is now.', session, rateLimitHeaders), ...problems(...readFaults) },
    },
  },
  '/chat/history/{userId}': {
    get: {
      tags,
      security: bearer,
      summary: 'List your questions, newest first',
      operationId: 'getHistory',
      requestParams: { path: z.object({ userId: id }), query: historyQuery },
      responses: {
        200: json('A page of questions.', historyPage, rateLimitHeaders),
        ...problems('validation_failed', ...readFaults),
      },
    },
  },
};
