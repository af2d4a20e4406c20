import { z } from 'zod';
import { streamEvent } from '../../contracts/http/realtime-bodies.ts';
import { clientMessage, serverMessage } from '../../contracts/http/socket-messages.ts';
import { SOCKET_PATH } from '../realtime/socket/sockets.ts';
import type { JsonSchema } from './message-schemas.ts';

const ref = (path: string) => ({ $ref: `#/${path}` });

/** The part of the AsyncAPI document that is about answers while they are written: the WebSocket, and server-sent events. */
export const streams = {
  servers: {
    websocket: {
      host: 'localhost:3000',
      protocol: 'ws',
      description: 'The api. Behind TLS it is `wss`. `docs/protocol.md` has the close codes.',
    },
    api: { host: 'localhost:3000', protocol: 'http', description: 'The api.' },
  },
  channels: {
    socket: {
      address: SOCKET_PATH,
      title: 'Questions and answers over a WebSocket',
      description: 'The first message is `authenticate`. Each message is JSON, as text.',
      servers: [ref('servers/websocket')],
      messages: {
        toApi: ref('components/messages/socketToApi'),
        fromApi: ref('components/messages/socketFromApi'),
      },
      bindings: { ws: { method: 'GET' } },
    },
    requestEvents: eventChannel('/chat/requests/{requestId}/events', 'The answer to a question.', {
      requestId: { description: 'The question.' },
    }),
    sessionEvents: eventChannel(
      '/chat/session/{sessionId}/events',
      'The answer to the newest question of a conversation.',
      { sessionId: { description: 'The conversation.' } },
    ),
    askedEvents: eventChannel(
      '/chat/send',
      'POST with `Accept: text/event-stream`: the answer to the question that it asks.',
    ),
  },
  operations: {
    takeSocketMessage: {
      action: 'receive',
      channel: ref('channels/socket'),
      summary: 'A message from a client is answered with messages that have its `id`.',
      messages: [ref('channels/socket/messages/toApi')],
    },
    sendSocketMessage: {
      action: 'send',
      channel: ref('channels/socket'),
      summary: 'Replies, and the events of answers.',
      messages: [ref('channels/socket/messages/fromApi')],
    },
    sendRequestEvents: sendEvents('requestEvents'),
    sendSessionEvents: sendEvents('sessionEvents'),
    sendAskedEvents: sendEvents('askedEvents'),
  },
  messages: () => ({
    socketToApi: { name: 'ClientMessage', title: 'What a client sends', payload: payload(clientMessage, 'input') },
    socketFromApi: { name: 'ServerMessage', title: 'What the api sends', payload: payload(serverMessage, 'output') },
    streamEvent: {
      name: 'StreamEvent',
      title: 'The `data` of a server-sent event; `event` is its type, and `id` is where a reader resumes',
      payload: payload(streamEvent, 'output'),
    },
  }),
} as const;

function eventChannel(address: string, description: string, parameters?: Record<string, { description: string }>) {
  return {
    address,
    description,
    servers: [ref('servers/api')],
    ...(parameters && { parameters }),
    messages: { event: ref('components/messages/streamEvent') },
  };
}

function sendEvents(channel: string) {
  return {
    action: 'send',
    channel: ref(`channels/${channel}`),
    summary: 'Server-sent events, until the end of the answer.',
    messages: [ref(`channels/${channel}/messages/event`)],
  } as const;
}

/** The parts of a schema are within it, because a reader of the document looks for `$defs` there. */
function payload(type: z.ZodType, io: 'input' | 'output') {
  const schema = z.toJSONSchema(type, { io, unrepresentable: 'any' }) as JsonSchema;
  return {
    schemaFormat: 'application/schema+json;version=draft-2020-12',
    schema: { $id: `/schemas/${type.meta()?.id}`, ...schema },
  };
}
