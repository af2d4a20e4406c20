import type { Options } from 'amqplib';
import type { Logger } from 'pino';
import { SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import { cutText } from '../../contracts/cut-text.ts';
import type { DeadLetterReason } from '../../contracts/error-codes.ts';
import { HealifyError } from '../../contracts/errors.ts';
import {
  deadLetterHeaders,
  deadLetterQueueOf,
  ORIGINAL_REPLY_TO_HEADER,
  type WorkQueue,
} from '../../contracts/queues.ts';
import { propertiesToSendOn } from './message-properties.ts';
import type { Publisher } from './publisher.ts';
import type { Delivery } from './settle-batch.ts';

/** Keeps a message that cannot be processed: resolves once the dead-letter queue has it. */
export type DeadLetter = (delivery: Delivery, reason: DeadLetterReason, detail: string) => Promise<void>;

/**
 * Dead letters of one queue: the body byte for byte, the properties as they were, and why, in headers.
 * @param options.onDeadLetter for the count
 */
export function createDeadLetter(options: {
  queue: WorkQueue;
  publisher: Publisher;
  logger: Logger;
  onDeadLetter: (reason: DeadLetterReason) => void;
}): DeadLetter {
  const { queue, publisher, logger, onDeadLetter } = options;
  const target = deadLetterQueueOf(queue);
  return async (delivery, reason, detail) => {
    const why = {
      [deadLetterHeaders.reason]: reason,
      [deadLetterHeaders.detail]: detail,
      [deadLetterHeaders.at]: new Date().toISOString(),
      [deadLetterHeaders.queue]: queue,
    };
    try {
      await publisher.publish(target, delivery.body, propertiesOf(delivery, why));
    } catch (error) {
      if (error instanceof HealifyError) throw error;
      // Its headers cannot be encoded again. The reason and the signature matter more than the rest of them.
      const signature = delivery.properties.headers?.[SIGNATURE_HEADER];
      const signed = typeof signature === 'string' ? { [SIGNATURE_HEADER]: signature } : {};
      const properties = propertiesToSendOn(delivery.properties);
      await publisher.publish(target, delivery.body, { ...properties, headers: { ...signed, ...why } });
    }
    onDeadLetter(reason);
    logger.warn(
      { queue: target, reason, detail, messageId: shortText(delivery.messageId), bytes: delivery.body.length },
      'a message was dead-lettered',
    );
  };
}

/**
 * The properties to send a message on with. Left out is what would make the broker refuse, lose or copy it: the
 * expiration, a user_id that is not ours, a reply_to that we cannot send, and the CC and BCC headers. What is left out
 * stands in an `x-original-` header.
 */
function propertiesOf({ properties }: Delivery, why: Record<string, string>): Options.Publish {
  const { CC, BCC, ...headers } = properties.headers ?? {};
  const kept = propertiesToSendOn(properties);
  const original: Record<string, unknown> = {
    'x-original-expiration': properties.expiration,
    'x-original-user-id': properties.userId,
    [ORIGINAL_REPLY_TO_HEADER]: kept.replyTo === undefined ? properties.replyTo : undefined,
    'x-original-cc': CC,
    'x-original-bcc': BCC,
  };
  for (const [name, value] of Object.entries(original)) if (value !== undefined) headers[name] = value;
  return { ...kept, headers: { ...headers, ...why } };
}

const shortText = (value: unknown) => (typeof value === 'string' ? cutText(value, 128) : undefined);
