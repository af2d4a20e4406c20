import type { MessageProperties, Options } from 'amqplib';
import { REQUESTS_QUEUE } from '../../contracts/queues.ts';
import { DIRECT_REPLY } from '../../contracts/reply-address.ts';

/** The longest text of a property. amqplib refuses to send a longer one. */
const MAX_TEXT_BYTES = 255;

const MAX_BYTES_A_CHAR = 3;

/** Whether a text may be a property. A short text is not measured: each UTF-16 code unit takes at most three bytes. */
export const fits = (text: string) =>
  text.length * MAX_BYTES_A_CHAR <= MAX_TEXT_BYTES || Buffer.byteLength(text) <= MAX_TEXT_BYTES;

/**
 * Headers that describe a message's past in RabbitMQ. They must not be sent on: if `x-death` names a queue twice, RabbitMQ
 * thinks that the message goes in circles, and drops it. CC and BCC would send copies elsewhere.
 */
export const HEADERS_OF_THE_PAST: readonly string[] = [
  ...['first', 'last'].flatMap((which) => ['exchange', 'queue', 'reason'].map((what) => `x-${which}-death-${what}`)),
  'x-death',
  'x-delivery-count',
  'x-acquired-count',
  'CC',
  'BCC',
];

/** Names the publisher of a request. Nobody is told who publishes what else. */
export const namingPublisher = (queue: string, userId: string | undefined): Options.Publish =>
  userId !== undefined && queue === REQUESTS_QUEUE ? { userId } : {};

/** Removes the properties that are missing, and those that AMQP cannot hold. */
export const sendable = (properties: Options.Publish): Options.Publish =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => isSendable(value)));

function isSendable(value: unknown): boolean {
  if (typeof value === 'string') return fits(value);
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return value !== undefined;
}

/**
 * Returns the properties, without headers, with which a received message can be sent on. A text that was not valid
 * UTF-8 became longer when it was decoded, so it may be too long now. A `reply_to` of `amq.rabbitmq.reply-to` is left
 * out: AMQP 1.0 clients can send it, but if an AMQP 0-9-1 client sends it without waiting for replies, RabbitMQ closes
 * the channel.
 */
export function propertiesToSendOn(properties: MessageProperties): Options.Publish {
  const { contentType, contentEncoding, correlationId, messageId, timestamp, type, appId, priority } = properties;
  const replyTo = properties.replyTo === DIRECT_REPLY ? undefined : properties.replyTo;
  return sendable({
    contentType,
    contentEncoding,
    correlationId,
    replyTo,
    messageId,
    timestamp,
    type,
    appId,
    priority,
  });
}
