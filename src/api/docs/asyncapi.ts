import { SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import { deadLetterReasons } from '../../contracts/error-codes.ts';
import {
  deadLetterHeaders,
  deadLetterQueueOf,
  REDRIVE_COUNT_HEADER,
  REDRIVE_RUN_HEADER,
  REQUESTS_QUEUE,
  RESPONSES_QUEUE,
  TRACEPARENT_HEADER,
  TRACESTATE_HEADER,
} from '../../contracts/queues.ts';
import { createMessageSchemas, type MessageSchemaName } from './message-schemas.ts';
import { streams } from './stream-channels.ts';

const ref = (path: string) => ({ $ref: `#/${path}` });
const text = (description: string) => ({ type: 'string', description });

const traceContext = {
  [TRACEPARENT_HEADER]: text('W3C trace context.'),
  [TRACESTATE_HEADER]: text('What other tracing systems have noted. It is passed on with the traceparent.'),
};
const messageId = text('AMQP property: the requestId.');

/**
 * The AsyncAPI 3 document of the queues and of the streams, from healify-chat's view. It is made from the schemas that
 * messages are read with.
 */
export function createAsyncApiDocument({ version }: { version: string }) {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'healify-chat',
      version,
      description:
        'Ask a question over RabbitMQ, and take its answer, or answer questions with a worker of your own. All messages go ' +
        'through the default exchange. `docs/messages.md` explains the details. Or ask over a WebSocket, and read answers ' +
        'while they are written, there or as server-sent events. `docs/protocol.md` explains these.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      rabbitmq: { host: 'localhost:5672', protocol: 'amqp', protocolVersion: '0.9.1', description: 'Your RabbitMQ.' },
      ...streams.servers,
    },
    channels: {
      requests: queue(REQUESTS_QUEUE, 'Questions.', 'request'),
      responses: queue(RESPONSES_QUEUE, 'Answers to questions without a reply_to.', 'response'),
      deadRequests: queue(deadLetterQueueOf(REQUESTS_QUEUE), 'Messages that could not be read.', 'deadLetter'),
      deadResponses: queue(
        deadLetterQueueOf(RESPONSES_QUEUE),
        'Messages that could not be read, belong to no session or have no valid signature, and answers that could not be delivered.',
        'deadLetter',
      ),
      reply: {
        address: null,
        servers: [ref('servers/rabbitmq')],
        description: "The queue that a request's reply_to names.",
        messages: { reply: ref('components/messages/reply') },
      },
      ...streams.channels,
    },
    operations: {
      takeRequest: {
        action: 'receive',
        channel: ref('channels/requests'),
        summary: 'A question is taken, and answered once.',
        messages: [ref('channels/requests/messages/request')],
        reply: {
          address: { location: '$message.header#/reply_to', description: 'Left out: chat_responses.' },
          channel: ref('channels/reply'),
          messages: [ref('channels/reply/messages/reply')],
        },
      },
      sendResponse: {
        action: 'send',
        channel: ref('channels/responses'),
        summary: 'The answer to a question that names no reply_to.',
        messages: [ref('channels/responses/messages/response')],
      },
      takeResponse: {
        action: 'receive',
        channel: ref('channels/responses'),
        summary: 'The api takes answers, also of workers of your own, if they are signed.',
        messages: [ref('channels/responses/messages/response')],
      },
      keepRequest: keep('deadRequests'),
      keepResponse: keep('deadResponses'),
      ...streams.operations,
    },
    components: {
      messages: {
        request: {
          name: 'ChatRequest',
          title: 'A question',
          headers: headers({
            ...traceContext,
            message_id: text('AMQP property: serves as the requestId where the body has none.'),
            correlation_id: text('AMQP property: the answer to a reply_to carries it, too.'),
            reply_to: text(
              'AMQP property: the queue that the answer goes to, also an exclusive one, or `amq.rabbitmq.reply-to`. It must be among REPLY_QUEUES.',
            ),
          }),
          payload: payload('chat-request.json'),
          correlationId: { location: '$message.header#/correlation_id' },
        },
        response: {
          name: 'ChatResponse',
          title: 'An answer',
          headers: headers(
            {
              ...traceContext,
              [SIGNATURE_HEADER]: {
                ...text('`v1=` and the HMAC-SHA256, in hex, of `chat_responses`, a line feed and the body.'),
                pattern: '^v1=[0-9a-f]{64}$',
              },
              message_id: messageId,
              correlation_id: text('AMQP property: the sessionId.'),
            },
            SIGNATURE_HEADER,
          ),
          payload: payload('chat-response.json'),
        },
        reply: {
          name: 'ChatReply',
          title: 'An answer to a reply_to; it is not signed',
          headers: headers({
            ...traceContext,
            message_id: messageId,
            correlation_id: text('AMQP property: that of the request, or the requestId where it had none.'),
          }),
          payload: payload('chat-response.json'),
          correlationId: { location: '$message.header#/correlation_id' },
        },
        deadLetter: {
          name: 'DeadLetter',
          title: 'A message that could not be processed, byte for byte, with its own properties and headers',
          headers: headers({
            [deadLetterHeaders.reason]: { ...text('Why.'), enum: [...deadLetterReasons] },
            [deadLetterHeaders.detail]: text('What is wrong, without the text.'),
            [deadLetterHeaders.at]: { ...text('When.'), format: 'date-time' },
            [deadLetterHeaders.queue]: text('Where it came from, or for an undeliverable answer, where it was to go.'),
            [REDRIVE_COUNT_HEADER]: { type: 'integer', description: 'How often it was sent back.' },
            [REDRIVE_RUN_HEADER]: text('By which run the last time.'),
          }),
          contentType: 'application/octet-stream',
        },
        ...streams.messages(),
      },
    },
  } as const;
}

function queue(name: string, description: string, message: 'request' | 'response' | 'deadLetter') {
  return {
    address: name,
    description,
    servers: [ref('servers/rabbitmq')],
    messages: { [message]: ref(`components/messages/${message}`) },
    bindings: { amqp: { is: 'queue', queue: { name, durable: true, exclusive: false, autoDelete: false } } },
  };
}

const keep = (channel: 'deadRequests' | 'deadResponses') => ({
  action: 'send',
  channel: ref(`channels/${channel}`),
  summary: 'What cannot be processed is kept, until an operator sends it back or drops it.',
  messages: [ref(`channels/${channel}/messages/deadLetter`)],
});

const headers = (properties: Record<string, object>, ...required: string[]) => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
});

/** AsyncAPI's own schemas use draft-07. This names the draft that ours use. */
const payload = (name: MessageSchemaName) => ({
  schemaFormat: 'application/schema+json;version=draft-2020-12',
  schema: createMessageSchemas()[name],
});
