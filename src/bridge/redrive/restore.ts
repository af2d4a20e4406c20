import type { MessageProperties, Options } from 'amqplib';
import { deadLetterHeaders, REDRIVE_COUNT_HEADER, REDRIVE_RUN_HEADER } from '../../contracts/queues.ts';

/**
 * Headers that a letter goes without: ours, and what RabbitMQ says of the letter's past. RabbitMQ takes a message that
 * names a queue twice in `x-death` for one that goes in circles, and drops it. CC and BCC would send copies elsewhere.
 */
const LEFT_OUT = new Set<string>([
  ...Object.values(deadLetterHeaders),
  ...['first', 'last'].flatMap((which) => ['exchange', 'queue', 'reason'].map((what) => `x-${which}-death-${what}`)),
  'x-death',
  'x-delivery-count',
  'x-acquired-count',
  'x-original-expiration',
  'CC',
  'BCC',
]);

/**
 * The properties that a dead letter came to its queue with, as far as they are known, and what tells that it was sent
 * back. A user_id cannot be restored, RabbitMQ would refuse it; it stays in its `x-original-` header.
 * @param run tells the letters of one redrive from others, should they come back
 */
export function restore(properties: MessageProperties, redriveCount: number, run: string): Options.Publish {
  const { contentType, contentEncoding, correlationId, replyTo, messageId, timestamp, type, appId, priority } =
    properties;
  const original = properties.headers?.['x-original-expiration'];
  const expiration = typeof original === 'string' ? original : properties.expiration;
  const kept = { contentType, contentEncoding, correlationId, replyTo, messageId, timestamp, type, appId, priority };
  const headers = Object.entries(properties.headers ?? {}).filter(([name]) => !LEFT_OUT.has(name));
  return {
    ...Object.fromEntries(Object.entries({ ...kept, expiration }).filter(([, value]) => value !== undefined)),
    headers: { ...Object.fromEntries(headers), [REDRIVE_COUNT_HEADER]: redriveCount, [REDRIVE_RUN_HEADER]: run },
  };
}
