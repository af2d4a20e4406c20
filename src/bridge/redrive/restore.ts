import type { MessageProperties, Options } from 'amqplib';
import { HEADERS_OF_THE_PAST, propertiesToSendOn } from '../../adapters/rabbitmq/message-properties.ts';
import { earlierPublishers } from '../../contracts/publishers.ts';
import {
  deadLetterHeaders,
  NEWER_SINCE_HEADER,
  ORIGINAL_REPLY_TO_HEADER,
  REDRIVE_COUNT_HEADER,
  REDRIVE_RUN_HEADER,
} from '../../contracts/queues.ts';

/** Headers that are left out when a letter is sent back: ours, and those in which RabbitMQ describes the letter's past. */
const LEFT_OUT = new Set<string>([
  ...Object.values(deadLetterHeaders),
  ...HEADERS_OF_THE_PAST,
  NEWER_SINCE_HEADER,
  'x-original-expiration',
]);

/**
 * Restores the properties that a message had before it became a dead letter, as far as they are known. Two headers say
 * that it was sent back. A user_id cannot be restored, because RabbitMQ would refuse it. It is kept in a header.
 * @param run identifies the redrive, so that its letters are recognised if they come back
 * @throws Error the reply_to cannot be sent. Without it, somebody else would get the answer
 */
export function restore(properties: MessageProperties, redriveCount: number, run: string): Options.Publish {
  const kept = propertiesToSendOn(properties);
  const hadReplyTo = Boolean(properties.replyTo) || properties.headers?.[ORIGINAL_REPLY_TO_HEADER] !== undefined;
  if (hadReplyTo && kept.replyTo === undefined) throw new Error('its reply_to cannot be sent');
  const original = properties.headers?.['x-original-expiration'];
  const expiration = typeof original === 'string' ? original : properties.expiration;
  const headers = Object.entries(properties.headers ?? {}).filter(([name]) => !LEFT_OUT.has(name));
  return {
    ...kept,
    ...(expiration !== undefined && { expiration }),
    headers: {
      ...Object.fromEntries(headers),
      ...earlierPublishers(properties),
      [REDRIVE_COUNT_HEADER]: redriveCount,
      [REDRIVE_RUN_HEADER]: run,
    },
  };
}
