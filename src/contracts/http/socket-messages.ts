import { z } from 'zod';
import { answerEvent } from '../answer-events.ts';
import { limits } from '../limits.ts';
import { timestamp } from '../scalars.ts';
import { accepted, sendBody, turnWithSession } from './chat-bodies.ts';
import { problem } from './problem.ts';
import { cutOffEvent } from './realtime-bodies.ts';

// The messages of the WebSocket /chat/ws. docs/protocol.md says what they mean, and in which order they come.

const text = z.string().min(1);
const id = text.max(limits.idChars).describe('You choose it. Every reply to this message has it.');
const entityId = text.max(limits.idChars).toLowerCase();

export const authenticateMessage = z
  .strictObject({
    type: z.literal('authenticate'),
    id: id.optional(),
    token: text.max(limits.tokenChars).optional().describe('An access token.'),
    ticket: text.max(limits.idChars).optional().describe('A ticket of `POST /chat/tickets`, in place of the token.'),
  })
  .refine(({ token, ticket }) => (token === undefined) !== (ticket === undefined), {
    path: ['token'],
    message: 'must be given, or else `ticket`, and not both',
  })
  .meta({
    id: 'AuthenticateMessage',
    description: 'Says who you are. It is the first message. Later it renews the token.',
  });

export const askMessage = z
  .strictObject({
    type: z.literal('ask'),
    id,
    question: sendBody.describe('As the body of `POST /chat/send`. It need not say `stream: true`.'),
    idempotencyKey: z
      .string()
      .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be printable ASCII characters')
      .max(limits.idempotencyKeyChars)
      .optional()
      .describe('Asks only once, however often the message comes.'),
    traceparent: z.string().max(limits.idChars).optional().describe('W3C trace context to continue.'),
    tracestate: z.string().max(512).optional().describe('Is passed on with the `traceparent`.'),
  })
  .meta({ id: 'AskMessage', description: 'Asks a question, and subscribes to its answer.' });

export const subscribeMessage = z
  .strictObject({
    type: z.literal('subscribe'),
    id,
    requestId: entityId.optional().describe('The question whose answer you want.'),
    sessionId: entityId.optional().describe('A conversation. Without `requestId`: the answer to its newest question.'),
    after: z
      .int()
      .min(-1)
      .default(-1)
      .describe('The number of the last event of `requestId` that you have. Left out or -1: from the beginning.'),
  })
  .refine(({ requestId, sessionId }) => requestId !== undefined || sessionId !== undefined, {
    path: ['requestId'],
    message: 'must be given, or `sessionId`',
  })
  .refine(({ requestId, after }) => requestId !== undefined || after < 0, {
    path: ['after'],
    message: 'needs the `requestId` whose event it is',
  })
  .meta({
    id: 'SubscribeMessage',
    description: 'Asks for the events of an answer, from the beginning or after a number.',
  });

export const unsubscribeMessage = z
  .strictObject({ type: z.literal('unsubscribe'), id: id.describe('That of the message that has subscribed.') })
  .meta({ id: 'UnsubscribeMessage', description: 'Ends a subscription. It stops no question.' });

export const stopMessage = z
  .strictObject({ type: z.literal('stop'), id, requestId: entityId })
  .meta({ id: 'StopMessage', description: 'Stops a question. Its text so far is kept.' });

export const pingMessage = z
  .strictObject({ type: z.literal('ping'), id: id.optional() })
  .meta({ id: 'PingMessage', description: 'Asks whether the connection is alive.' });

/** What a client sends. */
export const clientMessage = z
  .discriminatedUnion('type', [
    authenticateMessage,
    askMessage,
    subscribeMessage,
    unsubscribeMessage,
    stopMessage,
    pingMessage,
  ])
  .meta({ id: 'ClientMessage', description: 'A message from the client.' });

const replyTo = z.string().describe('The `id` of the message that this is a reply to.');
const replyToAny = replyTo.nullable().describe('null: that message had none that can be read.');

/** What the api sends. */
export const serverMessages = [
  z
    .object({
      type: z.literal('authenticated'),
      id: replyToAny,
      userId: z.string(),
      expiresAt: timestamp.describe('When the connection ends, unless you authenticate again before that.'),
    })
    .meta({ id: 'AuthenticatedMessage', description: 'You are known from now on, until the token expires.' }),
  accepted
    .extend({ type: z.literal('accepted'), id: replyTo })
    .meta({ id: 'AcceptedMessage', description: 'The question was accepted. Its events follow.' }),
  z
    .object({
      type: z.literal('event'),
      id: replyTo,
      requestId: z.string(),
      number: z
        .int()
        .nonnegative()
        .nullable()
        .describe('Resume after it. null: the end comes from the turn, because the log has none.'),
      event: answerEvent,
    })
    .meta({ id: 'EventMessage', description: 'An event of an answer that you have subscribed to.' }),
  z
    .object({
      type: z.literal('ended'),
      id: replyTo,
      complete: z
        .boolean()
        .describe('true: you have the end of the answer. false: you may subscribe again, after the last number.'),
    })
    .meta({ id: 'EndedMessage', description: 'The subscription is over. Its `id` may be used again.' }),
  cutOffEvent.extend({ id: replyTo }).meta({
    id: 'CutOffMessage',
    description: 'The subscription is over before the answer is. Subscribe again, as the reason says.',
  }),
  z
    .object({ type: z.literal('stopped'), id: replyTo, turn: turnWithSession })
    .meta({ id: 'StoppedMessage', description: 'The question as it is now. One that had ended stays as it was.' }),
  z
    .object({
      type: z.literal('problem'),
      id: replyToAny,
      problem,
      retryAfterMs: z.int().nonnegative().nullable().describe('After how long to send the message again, if you may.'),
    })
    .meta({ id: 'ProblemMessage', description: 'The message was refused. Nothing else on the connection changes.' }),
  z
    .object({ type: z.literal('pong'), id: replyToAny })
    .meta({ id: 'PongMessage', description: 'The reply to `ping`.' }),
  z
    .object({ type: z.literal('stopping'), reconnectInMs: z.int().nonnegative() })
    .meta({ id: 'StoppingMessage', description: 'This process stops. Connect again after this time.' }),
] as const;

export const serverMessage = z
  .discriminatedUnion('type', serverMessages)
  .meta({ id: 'ServerMessage', description: 'A message from the api.' });

export type ClientMessage = z.output<typeof clientMessage>;
export type ServerMessage = z.output<typeof serverMessage>;

/** Why the api closes a connection: the close code, its reason on the wire, and what the client can do. */
export const socketCloses = {
  not_text: { code: 1003, advice: 'Send text messages with JSON.' },
  stopping: { code: 1012, advice: 'Connect again after `reconnectInMs`, and subscribe after your last numbers.' },
  unavailable: { code: 1013, advice: 'Nobody can be authenticated at the moment. Connect again later.' },
  unauthenticated: { code: 4001, advice: 'Connect again with another token or ticket.' },
  token_expired: { code: 4002, advice: 'Connect again with a new token. Send it before that, and you stay connected.' },
  login_ended: { code: 4003, advice: 'Log in again.' },
  too_slow: {
    code: 4004,
    advice: 'You have not taken what came. Connect again, and subscribe after your last numbers.',
  },
  too_many_connections: { code: 4005, advice: 'Close connections that you do not need. One is enough for each page.' },
  too_many_messages: { code: 4006, advice: 'Send less. Connect again after some seconds.' },
} as const satisfies Record<string, { code: number; advice: string }>;

export type SocketCloseReason = keyof typeof socketCloses;
