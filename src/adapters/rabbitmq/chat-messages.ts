import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, TRACEPARENT_HEADER } from '../../contracts/queues.ts';
import type { Publisher } from './publisher.ts';

export type PublishRequest = (request: ChatRequest, traceparent: string) => Promise<void>;
export type PublishResponse = (response: ChatResponse, traceparent: string) => Promise<void>;

/** Sends to `chat_requests`; rejects as Publisher.publish does. */
export const requestPublisher = (publisher: Publisher): PublishRequest => sender(publisher, REQUESTS_QUEUE);

/** Sends to `chat_responses`; rejects as Publisher.publish does. */
export const responsePublisher = (publisher: Publisher): PublishResponse => sender(publisher, RESPONSES_QUEUE);

function sender(publisher: Publisher, queue: string) {
  return (message: ChatRequest | ChatResponse, traceparent: string) => {
    const { body, properties } = encode(message, traceparent);
    return publisher.publish(queue, body, properties);
  };
}

/** A message as it stands in its queue, but for being persistent, which the publisher sees to. */
export function encode(message: ChatRequest | ChatResponse, traceparent: string) {
  return {
    body: Buffer.from(JSON.stringify(message)),
    properties: {
      messageId: message.requestId,
      correlationId: message.sessionId,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      timestamp: Math.floor(Date.now() / 1000),
      headers: { [TRACEPARENT_HEADER]: traceparent },
    },
  };
}
