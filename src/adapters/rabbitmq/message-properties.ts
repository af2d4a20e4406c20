import type { MessageProperties, Options } from 'amqplib';
import { DIRECT_REPLY } from '../../contracts/reply-address.ts';

/** What AMQP can hold of a text that is a property. amqplib refuses to send a longer one. */
const MAX_TEXT_BYTES = 255;

const MAX_BYTES_A_CHAR = 3;

/** Whether AMQP can hold a text as a property. A short one is not measured: a UTF-16 code unit takes three bytes at most. */
export const fits = (text: string) =>
  text.length * MAX_BYTES_A_CHAR <= MAX_TEXT_BYTES || Buffer.byteLength(text) <= MAX_TEXT_BYTES;

/** The properties that a message can be sent with: those that are missing, or that AMQP cannot hold, are left out. */
export const sendable = (properties: Options.Publish): Options.Publish =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => isSendable(value)));

function isSendable(value: unknown): boolean {
  if (typeof value === 'string') return fits(value);
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return value !== undefined;
}

/**
 * The properties to send a received message on with, without headers. A text that was no UTF-8 is longer here than it was
 * on its way, and may be too long. RabbitMQ closes the channel on which somebody sends a `reply_to` of
 * `amq.rabbitmq.reply-to` without having asked for replies there; AMQP 1.0 clients can send it nevertheless.
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
