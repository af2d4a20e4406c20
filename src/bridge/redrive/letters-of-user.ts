import type { ConsumeMessage } from 'amqplib';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { type LetterPlace, openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import { inBatches } from '../../batching/in-batches.ts';
import { UnseenDeadLettersError } from '../../contracts/errors.ts';
import type { DataOf } from '../../contracts/kept-data.ts';
import { limits } from '../../contracts/limits.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from '../../contracts/queues.ts';
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

/** What a look has found of somebody. */
export interface LettersFound {
  count: number;
  /** How many letters of the queue were not looked at, because there are too many. */
  unread: number;
}

/**
 * Looks for the dead letters that belong to somebody. Nobody else sees the letters of a queue meanwhile, so those who ask while
 * a look is under way share the next one. Nobody knows whose a letter is that is unreadable and has another message_id. All methods
 * reject with DeadLettersInUseError or BrokerUnavailableError.
 */
export interface LettersOfUsers {
  /** @param onLetter is given each of them, with its size in bytes */
  find(queue: WorkQueue, of: LettersOf, onLetter?: (letter: OwnLetter, bytes: number) => void): Promise<LettersFound>;
  /**
   * Gives them one after the other. So that they need not be in memory together, the queue may be read several times.
   * @throws UnseenDeadLettersError after those that were seen
   */
  read(queue: WorkQueue, of: LettersOf): AsyncGenerator<OwnLetter>;
  /** Removes them for good. Returns those that it has removed. */
  erase(queue: WorkQueue, of: LettersOf): Promise<LettersFound>;
}

interface Wanted {
  of: LettersOf;
  remove: boolean;
  onLetter: (letter: OwnLetter, bytes: number) => void;
}

/** How large the bodies of the letters are that are in memory at a time. */
const READ_TOGETHER_BYTES = 8 * 1024 * 1024;
const LOOKING_TOGETHER = 100;

/**
 * @param options.around is given each look, to do it: while it lasts, the queue seems to be empty
 * @param options.most see openDeadLetters
 */
export function createLettersOfUsers(options: {
  broker: BrokerOfLetters;
  around?: <T>(look: () => Promise<T>) => Promise<T>;
  most?: number;
}): LettersOfUsers {
  const { broker, around = (look) => look(), most } = options;
  const lookIn = (queue: WorkQueue) =>
    inBatches(
      (wanted: Wanted[]) => around(() => lookFor({ ...broker, ...(most !== undefined && { most }) }, queue, wanted)),
      { maxItems: LOOKING_TOGETHER },
    );
  const looks = { [REQUESTS_QUEUE]: lookIn(REQUESTS_QUEUE), [RESPONSES_QUEUE]: lookIn(RESPONSES_QUEUE) };

  const find: LettersOfUsers['find'] = (queue, of, onLetter = () => {}) =>
    looks[queue]({ of, remove: false, onLetter });

  return {
    find,
    erase: (queue, of) => looks[queue]({ of, remove: true, onLetter: () => {} }),
    read: async function* (queue, of) {
      for (let given = 0; ; ) {
        const some: OwnLetter[] = [];
        let left = READ_TOGETHER_BYTES;
        let place = 0;
        const { count, unread } = await find(queue, of, (letter, bytes) => {
          if (place++ < given || left <= 0) return;
          some.push(letter);
          left -= bytes;
        });
        yield* some;
        given += some.length;
        if (given < count && some.length > 0) continue;
        if (unread > 0) throw new UnseenDeadLettersError(unread);
        return;
      }
    },
  };
}

/** Reads a queue once for all of them. */
async function lookFor(
  broker: BrokerOfLetters & { most?: number },
  queue: WorkQueue,
  wanted: readonly Wanted[],
): Promise<LettersFound[]> {
  const counts = wanted.map(() => 0);
  let looking = true;
  const removed: LetterPlace[] = [];
  const { bodies, ...address } = broker;
  const seals = await bodies.forOpening();
  const letters = await openDeadLetters({
    ...address,
    queue,
    onLetter: (letter, place) => {
      // A removal lets RabbitMQ deliver the next ones. Those are not removed, so they do not count.
      if (!looking) return;
      const body = bodyOf(openLetter(seals, letter) ?? letter);
      for (const [index, { of, remove, onLetter }] of wanted.entries()) {
        if (!isOf(letter, body, of)) continue;
        counts[index]! += 1;
        if (remove) removed.push(place);
        const { messageId = null } = letter.properties;
        onLetter({ messageId, reason: causeOf(letter).reason, body }, letter.content.length);
      }
    },
  });
  looking = false;
  try {
    // Two erasures may mean the same letter.
    for (const place of new Set(removed)) letters.remove(place);
    if (removed.length > 0) await letters.settled();
  } finally {
    await letters.close();
  }
  return counts.map((count) => ({ count, unread: letters.unread }));
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
