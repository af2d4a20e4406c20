import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { accepted, answered, historyPage, historyQuery, sendBody, session, sessionNow } from '../../contracts/http.ts';
import { limits } from '../../contracts/limits.ts';
import { json, problems, rateLimitHeaders } from './responses.ts';

const tags = ['Chat'];
const security = [{ bearer: [] }];
const readFaults = [
  'unauthenticated',
  'not_found',
  'rate_limited',
  'store_unavailable',
  'identity_unavailable',
] as const;
const id = z.string().max(limits.idChars);
const sendHeaders = {
  ...rateLimitHeaders,
  Location: z.string().meta({ description: 'The session.', example: '/chat/session/9b2f…' }),
  'Preference-Applied': z.string().optional().meta({ description: 'How long the reply was held.', example: 'wait=30' }),
};

export const chatPaths: ZodOpenApiPathsObject = {
  '/chat/send': {
    post: {
      tags,
      security,
      summary: 'Ask a question',
      description:
        'Answered `202` once the message broker has the question. Ask for the answer at `Location`, or wait for it ' +
        'with `Prefer: wait`.',
      operationId: 'sendMessage',
      requestParams: {
        header: z.object({
          'Idempotency-Key': z.string().max(limits.idempotencyKeyChars).optional().meta({
            description:
              'Makes a repeat of this request return what the first one did. With or without quotes it is the same key.',
          }),
          Prefer: z.string().optional().meta({
            description: 'RFC 7240; `wait=N` holds the reply up to N seconds for the answer.',
            example: 'wait=30',
          }),
          traceparent: z.string().optional().meta({ description: 'W3C trace context to continue.' }),
        }),
      },
      requestBody: { required: true, content: { 'application/json': { schema: sendBody } } },
      responses: {
        200: json('The question has ended while the reply was held; see `status`.', answered, sendHeaders),
        202: json('The broker has the question; the answer comes later.', accepted, sendHeaders),
        ...problems(
          'validation_failed',
          'malformed_json',
          'unauthenticated',
          'not_found',
          'session_full',
          'payload_too_large',
          'unsupported_media_type',
          'idempotency_key_reused',
          'rate_limited',
          'broker_unavailable',
          'store_unavailable',
          'identity_unavailable',
          'overloaded',
        ),
      },
    },
  },
  '/chat/session/{sessionId}': {
    get: {
      tags,
      security,
      summary: 'See a session and its answers',
      operationId: 'getSession',
      requestParams: { path: z.object({ sessionId: id }) },
      responses: { 200: json('The session.', sessionNow, rateLimitHeaders), ...problems(...readFaults) },
    },
    delete: {
      tags,
      security,
      summary: 'Erase a session',
      description: 'Erases all that is kept of it. An answer that is still to come is dropped.',
      operationId: 'deleteSession',
      requestParams: { path: z.object({ sessionId: id }) },
      responses: { 204: { description: 'It is erased.' }, ...problems(...readFaults) },
    },
  },
  '/chat/session/{sessionId}/cancel': {
    post: {
      tags,
      security,
      summary: 'Cancel what is queued in a session',
      description:
        'Stops the work wherever it is: in the queue, before a retry, or while the model is being asked. A session ' +
        'with nothing queued is given as it is.',
      operationId: 'cancelSession',
      requestParams: { path: z.object({ sessionId: id }) },
      responses: { 200: json('The session as it is now.', session, rateLimitHeaders), ...problems(...readFaults) },
    },
  },
  '/chat/history/{userId}': {
    get: {
      tags,
      security,
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
