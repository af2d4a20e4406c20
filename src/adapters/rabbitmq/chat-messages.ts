import { type AnswerSignatures, SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, TRACEPARENT_HEADER, TRACESTATE_HEADER } from '../../contracts/queues.ts';
import type { ReplyAddress } from '../../contracts/reply-address.ts';
import { type SealableMessage, sealMessage } from '../../contracts/sealed-message.ts';
import type { Seals, TextSeals } from '../../contracts/sealing.ts';
import type { TraceHeaders } from '../../contracts/traceparent.ts';
import type { Tracer } from '../../contracts/tracer.ts';
import { fits } from './message-properties.ts';
import { inPublishSpan } from './message-spans.ts';
import type { Publisher } from './publisher.ts';

/** Resolves once the broker has the request; rejects with BrokerUnavailableError or UnroutableError. */
export type PublishRequest = (request: ChatRequest, trace: TraceHeaders) => Promise<void>;
/**
 * @param to.seals with the key of the response's user
 * @param to.reply where the request wants its answer; left out: `chat_responses`
 */
export type PublishResponse = (
  response: ChatResponse,
  trace: TraceHeaders,
  to: { seals: Seals; reply?: ReplyAddress | undefined },
) => Promise<void>;

export type PublishReply = (response: ChatResponse, trace: TraceHeaders, reply: ReplyAddress) => Promise<void>;

/** Seals a request's texts and sends it to `chat_requests`. Rejects as Publisher.publish and TextSeals.forSealing do. */
export const requestPublisher =
  (publisher: Publisher, seals: TextSeals, tracer?: Tracer): PublishRequest =>
  (request, sentIn) =>
    inPublishSpan(tracer, { ...idsOf(request), queue: REQUESTS_QUEUE, sentIn }, async (trace) => {
      const own = await seals.forSealing([request.userId]);
      const { body, properties } = encode(request, trace, sealMessage(own, 'request', request));
      return await publisher.publish(REQUESTS_QUEUE, body, properties);
    });

/**
 * Seals a response's texts and sends it, signed, to `chat_responses`; or sends it as it is, without a signature, to the reply
 * queue that the request names. Whoever reads that queue has no keys, and could put a signed copy on `chat_responses`. Rejects
 * as Publisher.publish and ReplyPublisher.publish do.
 * @param options.plain whether texts stay as they are, for services that read `chat_responses`
 * @param options.signatures undefined: responses are not signed
 */
export const responsePublisher =
  ({
    publisher,
    plain,
    signatures,
    publishReply,
    tracer,
  }: {
    publisher: Publisher;
    plain: boolean;
    signatures: Pick<AnswerSignatures, 'sign'> | undefined;
    publishReply: PublishReply;
    tracer?: Tracer | undefined;
  }): PublishResponse =>
  (response, sentIn, { seals, reply }) =>
    // Another service's queue has no name in a trace: there is no limit to how many there are.
    inPublishSpan(tracer, { ...idsOf(response), queue: reply ? 'reply' : RESPONSES_QUEUE, sentIn }, async (trace) => {
      if (reply) return await publishReply(response, trace, reply);
      const { body, properties } = encode(response, trace, plain ? response : sealMessage(seals, 'response', response));
      if (signatures) properties.headers[SIGNATURE_HEADER] = signatures.sign(body);
      return await publisher.publish(RESPONSES_QUEUE, body, properties);
    });

const idsOf = ({ requestId, sessionId }: ChatRequest | ChatResponse) => ({ requestId, sessionId });

/**
 * Returns a message's body and properties, without its signature. An id that is too long for a property is only in the
 * body.
 * @param published the message as it is published
 */
export function encode<T extends ChatRequest | ChatResponse>(
  message: T,
  { traceparent, tracestate }: TraceHeaders,
  published: SealableMessage<T> = message,
) {
  const { requestId, sessionId } = message;
  return {
    body: Buffer.from(JSON.stringify(published)),
    properties: {
      ...(fits(requestId) && { messageId: requestId }),
      ...(fits(sessionId) && { correlationId: sessionId }),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      timestamp: Math.floor(Date.now() / 1000),
      headers: {
        [TRACEPARENT_HEADER]: traceparent,
        ...(tracestate !== undefined && { [TRACESTATE_HEADER]: tracestate }),
      } as Record<string, string>,
    },
  };
}
