import type { Options } from 'amqplib';
import type { Logger } from 'pino';
import { SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import type { DeadLetterReason } from '../../contracts/error-codes.ts';
import { HealifyError } from '../../contracts/errors.ts';
import { earlierPublishers } from '../../contracts/publishers.ts';
import {
  deadLetterHeaders,
  deadLetterQueueOf,
  ORIGINAL_REPLY_TO_HEADER,
  type WorkQueue,
} from '../../contracts/queues.ts';
import { type BodySeals, plainBodies } from '../../contracts/sealing.ts';
import { createDeadLetterLog } from './dead-letter-log.ts';
import { propertiesToSendOn } from './message-properties.ts';
import type { Publisher } from './publisher.ts';
import type { Delivery } from './settle-batch.ts';

/** Puts a message that cannot be processed into the dead-letter queue. Resolves once it is there. */
export type DeadLetter = (delivery: Delivery, reason: DeadLetterReason, detail: string) => Promise<void>;

/**
 * Makes dead letters of one queue's messages. A dead letter has the same body, byte for byte or encrypted, the same properties,
 * and headers that say why it is a dead letter.
 * @param options.bodies encrypts bodies. Left out: they stay as they are
 * @param options.onDeadLetter called for each dead letter, to count it
 */
export function createDeadLetter(options: {
  queue: WorkQueue;
  publisher: Publisher;
  bodies?: BodySeals;
  logger: Logger;
  onDeadLetter: (reason: DeadLetterReason) => void;
}): DeadLetter {
  const { queue, publisher, bodies = plainBodies, logger, onDeadLetter } = options;
  const target = deadLetterQueueOf(queue);
  const log = createDeadLetterLog(logger, target);
  return async (delivery, reason, detail) => {
    const { body, sealed } = await sealLetter(bodies, delivery);
    const why = {
      ...sealed,
      [deadLetterHeaders.reason]: reason,
      [deadLetterHeaders.detail]: detail,
      [deadLetterHeaders.at]: new Date().toISOString(),
      [deadLetterHeaders.queue]: queue,
    };
    try {
      await publisher.publish(target, body, propertiesOf(delivery, why));
    } catch (error) {
      if (error instanceof HealifyError) throw error;
      // Its headers cannot be encoded again. Only the reason and the signature are kept, because they matter most.
      const signature = delivery.properties.headers?.[SIGNATURE_HEADER];
      const signed = typeof signature === 'string' ? { [SIGNATURE_HEADER]: signature } : {};
      const properties = propertiesToSendOn(delivery.properties);
      await publisher.publish(target, body, { ...properties, headers: { ...signed, ...why } });
    }
    onDeadLetter(reason);
    log(delivery, reason, detail);
  };
}

/**
 * Encrypts the body of a letter, and returns the header that says so. A body that an earlier version has sent back encrypted stays
 * as it is.
 * @throws StoreUnavailableError
 */
export async function sealLetter(
  bodies: BodySeals,
  letter: { body: Buffer; properties?: { headers?: Record<string, unknown> | undefined } },
): Promise<{ body: Buffer; sealed: Record<string, string> }> {
  const isSealed = letter.properties?.headers?.[deadLetterHeaders.sealed] !== undefined;
  const body = isSealed ? undefined : (await bodies.forSealing()).seal(letter.body);
  return body ? { body, sealed: { [deadLetterHeaders.sealed]: '1' } } : { body: letter.body, sealed: {} };
}

/**
 * The properties of a dead letter. Some properties would make the broker refuse, lose or copy it. They are moved to
 * `x-original-` headers: the expiration, another user's user_id, a reply_to that we cannot send, and the headers CC and
 * BCC.
 */
function propertiesOf({ properties }: Delivery, why: Record<string, string>): Options.Publish {
  const { CC, BCC, ...headers } = properties.headers ?? {};
  const kept = propertiesToSendOn(properties);
  const original: Record<string, unknown> = {
    'x-original-expiration': properties.expiration,
    ...earlierPublishers(properties),
    [ORIGINAL_REPLY_TO_HEADER]: kept.replyTo === undefined ? properties.replyTo : undefined,
    'x-original-cc': CC,
    'x-original-bcc': BCC,
  };
  for (const [name, value] of Object.entries(original)) if (value !== undefined) headers[name] = value;
  return { ...kept, headers: { ...headers, ...why } };
}
