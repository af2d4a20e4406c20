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
import { causeOf } from './read-letter.ts';

/** Whose letters are meant: of a user or a session, and those with one of these ids, which need not be readable. */
export type LettersOf = DataOf & { requestIds: ReadonlySet<string> };

/** RabbitMQ, and what opens the bodies of dead letters. */
export type BrokerOfLetters = BrokerAddress & { bodies: BodySeals };

/** A dead letter of somebody. */
export interface OwnLetter {
  messageId: string | null;
  /** Why it is one. */
  reason: string;
  /** undefined: it cannot be read. Its texts may be sealed with the key of its user. */
  body: Record<string, unknown> | undefined;
}

/** How large the bodies of the letters are that are in memory at a time. */
const READ_TOGETHER_BYTES = 8 * 1024 * 1024;

/**
 * Counts the dead letters of a queue that belong to somebody. Nobody knows whose a letter is that is unreadable and has another
 * message_id.
 * @param onLetter is given each of them, with its size in bytes
 * @throws UnseenDeadLettersError, DeadLettersInUseError, BrokerUnavailableError
 */
export const countLetters = (
  broker: BrokerOfLetters,
  queue: WorkQueue,
  of: LettersOf,
  onLetter: (letter: OwnLetter, bytes: number) => void = () => {},
): Promise<number> => lookFor(broker, queue, of, { remove: false, onLetter });

/** Gives them one after the other. So that they need not be in memory together, the queue may be read several times. */
export async function* readLetters(
  broker: BrokerOfLetters,
  queue: WorkQueue,
  of: LettersOf,
): AsyncGenerator<OwnLetter> {
  for (let given = 0; ; ) {
    const some: OwnLetter[] = [];
    let left = READ_TOGETHER_BYTES;
    let place = 0;
    const count = await countLetters(broker, queue, of, (letter, bytes) => {
      if (place++ < given || left <= 0) return;
      some.push(letter);
      left -= bytes;
    });
    yield* some;
    given += some.length;
    if (given >= count || some.length === 0) return;
  }
}

/** Removes them for good. @returns how many. @throws as `countLetters` does */
export const eraseLetters = (broker: BrokerOfLetters, queue: WorkQueue, of: LettersOf): Promise<number> =>
  lookFor(broker, queue, of, { remove: true, onLetter: () => {} });

async function lookFor(
  broker: BrokerOfLetters,
  queue: WorkQueue,
  of: LettersOf,
  { remove, onLetter }: { remove: boolean; onLetter: (letter: OwnLetter, bytes: number) => void },
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
      const { messageId = null } = letter.properties;
      onLetter({ messageId, reason: causeOf(letter).reason, body }, letter.content.length);
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

/**
 * Other services choose the ids of their messages, and may use one for two users. So the id says whose a letter is only if the letter
 * does not say it itself.
 */
const isOf = (
  { properties }: ConsumeMessage,
  body: Record<string, unknown> | undefined,
  { userId, sessionId, requestIds }: LettersOf,
) =>
  typeof body?.userId === 'string' && body.userId !== userId
    ? false
    : requestIds.has(properties.messageId) ||
      (body?.userId === userId && (sessionId === undefined || body.sessionId === sessionId));

function bodyOf({ content, properties }: ConsumeMessage): Record<string, unknown> | undefined {
  try {
    return readJsonObject(content, properties.contentEncoding, limits.responseMessageBytes);
  } catch (error) {
    if (error instanceof UnreadableMessage) return undefined;
    throw error;
  }
}
