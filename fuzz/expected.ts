import { createHash } from 'node:crypto';
import { MESSAGE_SIGNING_KEY } from '../chaos/stack.ts';
import { createAnswerSignatures, SIGNATURE_HEADER } from '../src/contracts/answer-signature.ts';
import { readChatRequest } from '../src/contracts/read-chat-request.ts';
import { readChatResponse } from '../src/contracts/read-chat-response.ts';
import { UnreadableMessage } from '../src/contracts/read-message.ts';
import { readReplyAddress } from '../src/contracts/reply-address.ts';
import { type FuzzMessage, REPLY_QUEUE, type Signing } from './messages.ts';

/** How a request should end: as a dead letter with this reason, or with an answer in one of these places. */
export type Fate = { reason: string } | { requestId: string; place: Place; correlationId: string };

/** Where an answer ends: in the reply queue, or as a dead letter if its queue is gone or its session is unknown. */
export type Place = 'replied' | 'reply_unroutable' | 'unknown_session';

/** Reads the request as the bridge does. Other tests (of the contracts) show that the bridge reads correctly. */
export function fateOfRequest({ body, properties }: FuzzMessage): Fate {
  const { messageId, contentEncoding, replyTo, correlationId } = properties;
  try {
    const reply = readReplyAddress({ replyTo, correlationId }, () => true);
    const { requestId, sessionId } = readChatRequest({ body, messageId, contentEncoding, replyTo, correlationId });
    if (!reply) return { requestId, place: 'unknown_session', correlationId: sessionId };
    const place = reply.to === REPLY_QUEUE ? 'replied' : 'reply_unroutable';
    return { requestId, place, correlationId: reply.correlationId ?? requestId };
  } catch (error) {
    if (error instanceof UnreadableMessage) return { reason: error.reason };
    throw error;
  }
}

/** Why an answer to no question becomes a dead letter. */
export function reasonOfResponse({ body, properties }: FuzzMessage, signing: Signing): string {
  try {
    const { messageId, contentEncoding } = properties;
    readChatResponse({ body, messageId, contentEncoding });
    return signing === 'right' ? 'unknown_session' : 'invalid_signature';
  } catch (error) {
    if (error instanceof UnreadableMessage) return error.reason;
    throw error;
  }
}

const ours = createAnswerSignatures([MESSAGE_SIGNING_KEY]);
const others = createAnswerSignatures(['another-key-another-key-another-key-another']);

export function signed({ body, properties }: FuzzMessage, signing: Signing): FuzzMessage['properties'] {
  const { headers, ...rest } = properties;
  const signature = {
    right: () => ours.sign(body),
    'not at all': () => undefined,
    'with another key': () => others.sign(body),
    'for another body': () => ours.sign(Buffer.concat([body, Buffer.from(' ')])),
    cut: () => ours.sign(body).slice(0, -1),
    'a number': () => 1,
  }[signing]();
  return signature === undefined ? properties : { ...rest, headers: { ...headers, [SIGNATURE_HEADER]: signature } };
}

/** Returns the answer in a dead letter or in the reply queue; undefined if it is not one of ours. */
export function answerIn(body: Buffer): { requestId: string } | undefined {
  try {
    return readChatResponse({ body });
  } catch {
    return undefined;
  }
}

/** Messages by body and reason, with how often each was sent. */
export class Multiset {
  #counts = new Map<string, number>();
  size = 0;

  add(body: Buffer, reason: string): void {
    const key = keyOf(body, reason);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.size += 1;
  }

  /** Removes one. Returns whether the message was there. */
  remove(body: Buffer, reason: string): boolean {
    const key = keyOf(body, reason);
    const count = this.#counts.get(key) ?? 0;
    if (count === 0) return false;
    this.#counts.set(key, count - 1);
    this.size -= 1;
    return true;
  }
}

const keyOf = (body: Buffer, reason: string) => `${createHash('sha256').update(body).digest('base64')} ${reason}`;
