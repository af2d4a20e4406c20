import { type AnswerSignatures, SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, TRACEPARENT_HEADER } from '../../contracts/queues.ts';
import type { ReplyAddress } from '../../contracts/reply-address.ts';
import { fits } from './message-properties.ts';
import type { Publisher } from './publisher.ts';

/** Resolves once the broker has the request; rejects with BrokerUnavailableError or UnroutableError. */
export type PublishRequest = (request: ChatRequest, traceparent: string) => Promise<void>;
/** @param reply where the request wants its answer; left out: `chat_responses` */
export type PublishResponse = (response: ChatResponse, traceparent: string, reply?: ReplyAddress) => Promise<void>;

export type PublishReply = (response: ChatResponse, traceparent: string, reply: ReplyAddress) => Promise<void>;

/** Sends to `chat_requests`; rejects as Publisher.publish does. */
export const requestPublisher =
  (publisher: Publisher): PublishRequest =>
  (request, traceparent) => {
    const { body, properties } = encode(request, traceparent);
    return publisher.publish(REQUESTS_QUEUE, body, properties);
  };

/**
 * Sends to `chat_responses`, signed, or to the queue that the request names. Rejects as Publisher.publish and
 * ReplyPublisher.publish do. Answers to a reply queue are not signed: a signed copy outside could be put on
 * `chat_responses` by whoever has it.
 * @param signatures left out: answers are not signed
 */
export const responsePublisher =
  (
    publisher: Publisher,
    signatures: Pick<AnswerSignatures, 'sign'> | undefined,
    publishReply: PublishReply,
  ): PublishResponse =>
  (response, traceparent, reply) => {
    if (reply) return publishReply(response, traceparent, reply);
    const { body, properties } = encode(response, traceparent);
    if (signatures) properties.headers[SIGNATURE_HEADER] = signatures.sign(body);
    return publisher.publish(RESPONSES_QUEUE, body, properties);
  };

/**
 * A message as it stands in its queue, but for its signature and for being persistent. An id that is too long for a property
 * stands in the body only.
 */
export function encode(message: ChatRequest | ChatResponse, traceparent: string) {
  const { requestId, sessionId } = message;
  return {
    body: Buffer.from(JSON.stringify(message)),
    properties: {
      ...(fits(requestId) && { messageId: requestId }),
      ...(fits(sessionId) && { correlationId: sessionId }),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      timestamp: Math.floor(Date.now() / 1000),
      headers: { [TRACEPARENT_HEADER]: traceparent } as Record<string, string>,
    },
  };
}
