import type { ConsumeMessage } from 'amqplib';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import { UnseenDeadLettersError } from '../../contracts/errors.ts';
import type { DataOf } from '../../contracts/kept-data.ts';
import { limits } from '../../contracts/limits.ts';
import type { WorkQueue } from '../../contracts/queues.ts';
import { readJsonObject, UnreadableMessage } from '../../contracts/read-message.ts';
import type { BodySeals } from '../../contracts/sealing.ts';
import { openLetter } from './open-letter.ts';

/** Whose letters are meant: of a user or a session, and those with one of these ids, which need not be readable. */
export type LettersOf = DataOf & { requestIds: ReadonlySet<string> };

/**
 * Counts the dead letters of a queue that belong to somebody. Nobody knows whose a letter is that is unreadable and has another
 * message_id.
 * @param onBody is given the bodies of those that can be read
 * @throws UnseenDeadLettersError, DeadLettersInUseError, BrokerUnavailableError
 */
export const countLetters = (
  broker: BrokerAddress & { bodies: BodySeals },
  queue: WorkQueue,
  of: LettersOf,
  onBody: (body: Record<string, unknown>) => void = () => {},
): Promise<number> => lookFor(broker, queue, of, { remove: false, onBody });

/** Removes them for good. @returns how many. @throws as `countLetters` does */
export const eraseLetters = (
  broker: BrokerAddress & { bodies: BodySeals },
  queue: WorkQueue,
  of: LettersOf,
): Promise<number> => lookFor(broker, queue, of, { remove: true, onBody: () => {} });

async function lookFor(
  broker: BrokerAddress & { bodies: BodySeals },
  queue: WorkQueue,
  of: LettersOf,
  { remove, onBody }: { remove: boolean; onBody: (body: Record<string, unknown>) => void },
): Promise<number> {
  const found: Pick<ConsumeMessage, 'fields'>[] = [];
  const { bodies, ...address } = broker;
  const seals = await bodies.forOpening();
  const letters = await openDeadLetters({
    ...address,
    queue,
    onLetter: (letter) => {
      const body = bodyOf(openLetter(seals, letter) ?? letter);
      if (!isOf(letter, body, of)) return;
      found.push({ fields: letter.fields });
      if (body) onBody(body);
    },
  });
  try {
    if (remove) {
      for (const letter of found) letters.remove(letter);
      await letters.settled();
    }
  } finally {
    await letters.close();
  }
  if (letters.unread > 0) throw new UnseenDeadLettersError(letters.unread);
  return found.length;
}

const isOf = (
  { properties }: ConsumeMessage,
  body: Record<string, unknown> | undefined,
  { userId, sessionId, requestIds }: LettersOf,
) =>
  requestIds.has(properties.messageId) ||
  (body?.userId === userId && (sessionId === undefined || body.sessionId === sessionId));

function bodyOf({ content, properties }: ConsumeMessage): Record<string, unknown> | undefined {
  try {
    return readJsonObject(content, properties.contentEncoding, limits.responseMessageBytes);
  } catch (error) {
    if (error instanceof UnreadableMessage) return undefined;
    throw error;
  }
}
