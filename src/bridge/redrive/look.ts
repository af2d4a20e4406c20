import type { ConsumeMessage } from 'amqplib';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import { type OpenDeadLetters, openDeadLetters } from '../../adapters/rabbitmq/dead-letter-queue.ts';
import type {
  Letter,
  LetterFilter,
  LetterGroups,
  LetterPage,
  LetterWithBody,
  ShowBodiesOptions,
  ShowOptions,
} from '../../contracts/dead-letters.ts';
import { deadLetterQueueOf, type WorkQueue } from '../../contracts/queues.ts';
import type { BodySeals, TextSeals } from '../../contracts/sealing.ts';
import { openLetter } from './open-letter.ts';
import { openTexts } from './open-texts.ts';
import { causeOf, describeLetter, describeWithBody, isoOf, matches, senderOf } from './read-letter.ts';

interface Group {
  count: number;
  oldest: number | undefined;
  newest: number | undefined;
  detail: string | null;
  sender: Letter['sender'];
}

/**
 * Counts the letters that match a filter by their reason. The most frequent reason comes first.
 * @param onLetter is told of each when it became a dead letter, ms; undefined where it does not say
 */
export async function listLetters(
  broker: BrokerAddress,
  queue: WorkQueue,
  filter: LetterFilter,
  onLetter?: (at: number | undefined) => void,
): Promise<LetterGroups> {
  const groups = new Map<string, Group>();
  const { matching, read, unread } = await look(broker, queue, filter, (letter) => {
    const { reason, detail, at } = causeOf(letter);
    onLetter?.(at);
    const group = groups.get(reason) ?? { count: 0, oldest: at, newest: at };
    groups.set(reason, {
      count: group.count + 1,
      oldest: pick(Math.min, group.oldest, at),
      newest: pick(Math.max, group.newest, at),
      // The last one counts: while letters arrive, that is who sends them now.
      detail,
      sender: senderOf(letter),
    });
  });
  return {
    queue: deadLetterQueueOf(queue),
    matching,
    read,
    unread,
    groups: [...groups]
      .map(([reason, group]) => ({ ...group, reason, oldest: isoOf(group.oldest), newest: isoOf(group.newest) }))
      .sort((one, other) => other.count - one.count),
  };
}

/** Returns the first letters that match a filter, the oldest first. */
export async function showLetters(
  broker: BrokerAddress,
  bodies: BodySeals,
  queue: WorkQueue,
  options: ShowOptions,
): Promise<LetterPage> {
  const { letters, ...page } = await firstLetters(broker, bodies, queue, options);
  return { ...page, letters: letters.map((letter) => describeLetter(letter, queue)) };
}

/** The same, with their bodies and what these have sealed. */
export async function showBodies(
  broker: BrokerAddress,
  { bodies, texts }: { bodies: BodySeals; texts: TextSeals },
  queue: WorkQueue,
  { full, ...options }: ShowBodiesOptions,
): Promise<Omit<LetterPage, 'letters'> & { letters: LetterWithBody[] }> {
  const { letters, ...page } = await firstLetters(broker, bodies, queue, options);
  const opened = await openTexts(texts, queue, letters);
  return { ...page, letters: opened.map(({ letter, texts }) => ({ ...describeWithBody(letter, full), texts })) };
}

/** A letter that cannot be opened is shown as it is. */
async function firstLetters(
  broker: BrokerAddress,
  bodies: BodySeals,
  queue: WorkQueue,
  { limit, ...filter }: ShowOptions,
) {
  const seals = await bodies.forOpening();
  const letters: ConsumeMessage[] = [];
  const { matching, read, unread } = await look(broker, queue, filter, (letter) => {
    if (letters.length < limit) letters.push(openLetter(seals, letter) ?? letter);
  });
  return { queue: deadLetterQueueOf(queue), matching, read, unread, letters };
}

async function look(
  broker: BrokerAddress,
  queue: WorkQueue,
  filter: LetterFilter,
  onMatch: (letter: ConsumeMessage) => void,
) {
  const now = Date.now();
  let matching = 0;
  let arrived = 0;
  const letters: OpenDeadLetters = await openDeadLetters({
    ...broker,
    queue,
    onLetter: (letter) => {
      arrived += 1;
      if (!matches(letter, filter, now)) return;
      matching += 1;
      onMatch(letter);
    },
  });
  await letters.close();
  return { matching, read: arrived, unread: letters.unread };
}

const pick = (choose: (...values: number[]) => number, one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : choose(one, other);
