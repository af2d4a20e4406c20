import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
import { readInTurns } from '../../batching/read-in-turns.ts';
import { leastRights, lockOf } from '../../contracts/broker-rights.ts';
import { brokerUrls } from '../../contracts/broker-urls.ts';
import { MAX_LETTERS_READ } from '../../contracts/dead-letters.ts';
import {
  BrokerUnavailableError,
  DeadLettersInUseError,
  HealifyError,
  UnroutableError,
} from '../../contracts/errors.ts';
import { deadLetterQueueOf, type WorkQueue } from '../../contracts/queues.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { type BrokerAddress, connect, connectOptions, nodeAddress, socketOf } from './amqp-client.ts';
import { closeInTime } from './close-in-time.ts';
import { namingPublisher } from './message-properties.ts';
import { createNodeOrder } from './node-order.ts';
import { explainRefusal } from './refusals.ts';
import { declareTopology } from './topology.ts';

/**
 * A dead-letter queue that was taken over. It has these states:
 * - *reading* until `onLetter` was given all letters that were there, or the largest number that is read
 * - *open*: letters can be sent on and removed, and nobody else sees them
 * - *settled*: no more letters are read, and every removal is certain
 * - *closed*: the remaining letters are back in their places. This also happens if the process dies
 */
export interface OpenDeadLetters {
  /** How many letters were there and were read. Later letters are given to `onLetter`, but not counted here. */
  readonly read: number;
  /** How many letters were there and were not read. */
  readonly unread: number;
  /** Sends a persistent message to a queue, and resolves at the confirm. Rejects as Publisher.publish does. */
  send(queue: string, body: Buffer, properties: Options.Publish): Promise<void>;
  /** Removes a letter. The removal is certain only after `settled`. */
  remove(place: LetterPlace): void;
  /** Reads no more letters. Resolves once every removal so far is certain. */
  settled(): Promise<void>;
  /** How many messages wait in the work queue, and how many consumers take them. */
  workQueue(): Promise<{ waiting: number; consumers: number }>;
  close(): Promise<void>;
}

/** Names a letter while its queue is open. It takes little memory, so somebody may keep very many. */
export type LetterPlace = number & { readonly __place: unique symbol };

/** Some of the letters, on a channel of their own, so that RabbitMQ has only some on their way at a time. */
interface Window {
  channel: ConfirmChannel;
  consumerTag: string;
  arrived: number;
  removed: number;
}

/** How many letters a window has at most. */
const WINDOW = 10_000;
const ANSWER_TIMEOUT_MS = 15_000;
/** RabbitMQ answers after all removals that it got before. */
const REMOVED_IN_A_SECOND = 1_000;
const BACK_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const LOCK_TIMEOUT_MS = 1_500;
const LOCK_POLL_MS = 200;

/**
 * Takes over a dead-letter queue, on a connection of its own. Quorum queues have no exclusive consumers. So the lock is
 * another queue, which only one connection can have.
 *
 * Letters are given back by closing the channel, and not with a nack. RabbitMQ puts the letters of a closed channel
 * back in front of all others, in order; letters with a nack are scattered. The order only stays if the next reader
 * begins with all letters that were given back. So every reader reads the same number of letters, whatever it does with
 * them. Channels are closed one after the other, the one with the oldest letters first. If the process dies, all close at once, and the
 * thousands of one channel may come before those of another.
 * @param options.onLetter is given each letter as it comes, the oldest first. Bodies are not kept in memory here
 * @param options.most how many letters are read at most, which must be the same for every reader. For tests
 * @throws DeadLettersInUseError
 * @throws BrokerUnavailableError
 */
export async function openDeadLetters(
  options: BrokerAddress & {
    queue: WorkQueue;
    onLetter: (letter: ConsumeMessage, place: LetterPlace) => void;
    most?: number;
  },
): Promise<OpenDeadLetters> {
  const { queue, onLetter, most = MAX_LETTERS_READ } = options;
  const source = deadLetterQueueOf(queue);
  const connection = await connectOnce(options);
  try {
    // A lost connection rejects the calls. Without a listener it would end the process.
    connection.on('error', () => {});
    const socket = socketOf(connection);
    // RabbitMQ sends the letters as fast as it can, and our process has others to answer meanwhile.
    if (socket) readInTurns(socket);
    // This also ensures that letters of the queue can be given back any number of times.
    await declareTopology(connection);
    const first = await connection.createConfirmChannel();
    const { lost, watch } = whenLost(connection);
    watch(first);
    await lock(connection, lockOf(queue));
    const { messageCount } = await inTime(first.checkQueue(source), lost);
    const read = Math.min(messageCount, most);
    const windows: Window[] = [];
    let arrived = 0;
    let lastArrival = performance.now();

    async function openWindow(): Promise<Window> {
      const index = windows.length;
      const channel = index === 0 ? first : await inTime(connection.createConfirmChannel(), lost);
      if (index > 0) watch(channel);
      const window: Window = { channel, consumerTag: `letters-${index}`, arrived: 0, removed: 0 };
      windows.push(window);
      await channel.prefetch(Math.min(WINDOW, most));
      const take = channel.consume(
        source,
        (letter) => {
          if (!letter) return;
          arrived += 1;
          window.arrived += 1;
          lastArrival = performance.now();
          onLetter(letter, placeOf(index, letter.fields.deliveryTag));
        },
        { consumerTag: window.consumerTag },
      );
      await inTime(take, lost);
      return window;
    }

    // The last window has room, so that letters that come later are seen, too.
    for (let window = await openWindow(); ; window = await openWindow()) {
      const isFull = () => window.arrived - window.removed >= WINDOW;
      while (arrived < read && !isFull() && performance.now() - lastArrival < ANSWER_TIMEOUT_MS)
        await Promise.race([sleep(POLL_MS), lost]);
      if (arrived < read && !isFull()) throw new BrokerUnavailableError('RabbitMQ does not deliver the letters');
      if (!isFull() || arrived >= most) break;
    }

    // RabbitMQ does not reply to acknowledgements, and its channel passes at most 32 of them at a time to the queue.
    // Those that the channel still has when it closes are lost, and their letters come back. The queue replies to a
    // cancel after everything that it got before. By the time of the next replies, the channel has passed on the rest.
    const settled = async () => {
      const removed = windows.reduce((sum, window) => sum + window.removed, 0);
      const timeoutMs = ANSWER_TIMEOUT_MS + (removed / REMOVED_IN_A_SECOND) * 1000;
      for (const { channel, consumerTag } of windows) {
        await inTime(channel.cancel(consumerTag), lost, timeoutMs);
        for (let answers = 0; answers < 2; answers++) await inTime(channel.checkQueue(source), lost, timeoutMs);
      }
    };

    /** Gives the letters of one window after the other back, so that they keep their order. */
    async function giveBack(): Promise<void> {
      const inQueue = await connection.createChannel();
      let expected = 0;
      for (const { channel, arrived, removed } of windows) {
        await closeInTime(channel.close());
        expected += arrived - removed;
        const late = performance.now() + BACK_TIMEOUT_MS;
        while ((await inQueue.checkQueue(source)).messageCount < expected && performance.now() < late)
          await sleep(POLL_MS, undefined, { ref: false });
      }
    }

    return {
      read,
      unread: messageCount - read,
      settled,
      send: sender(first, lost, options.userId),
      remove: (place) => {
        const { index, deliveryTag } = placeIn(place);
        const window = windows[index]!;
        window.removed += 1;
        window.channel.ack({ fields: { deliveryTag } } as ConsumeMessage);
      },
      workQueue: async () => {
        const { messageCount: waiting, consumerCount: consumers } = await inTime(first.checkQueue(queue), lost);
        return { waiting, consumers };
      },
      close: async () => {
        await settled().catch(() => {});
        await giveBack().catch(() => {});
        await closeInTime(connection.close());
      },
    };
  } catch (error) {
    await closeInTime(connection.close());
    throw asUnavailable(error);
  }
}

/** Tries each node once. @throws BrokerUnavailableError with what the last one said */
async function connectOnce(address: BrokerAddress): Promise<ChannelModel> {
  const options = connectOptions(address, 'healify-chat dead letters');
  const order = createNodeOrder(address.url);
  for (let left = brokerUrls(address.url).length; ; left--) {
    try {
      return await connect(nodeAddress(order.next()), options);
    } catch (error) {
      if (left <= 1) throw asUnavailable(error);
    }
  }
}

/**
 * Waits a moment for the lock, because the metrics count the letters now and then, which is soon over.
 * @throws DeadLettersInUseError
 */
async function lock(connection: ChannelModel, name: string): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  while (true) {
    try {
      return await tryLock(connection, name);
    } catch (error) {
      if (!(error instanceof DeadLettersInUseError) || performance.now() > deadline) throw error;
    }
    await sleep(LOCK_POLL_MS);
  }
}

/** The lock ends with the connection, even if the connection is lost. */
async function tryLock(connection: ChannelModel, name: string): Promise<void> {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  try {
    await channel.assertQueue(name, { exclusive: true, durable: false });
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw code === RESOURCE_LOCKED ? new DeadLettersInUseError() : error;
  }
}
const RESOURCE_LOCKED = 405;

/** Rejects once the connection, or a channel that is watched, was lost. */
function whenLost(connection: ChannelModel): { lost: Promise<never>; watch: (channel: ConfirmChannel) => void } {
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const watch = (emitter: ChannelModel | ConfirmChannel) => {
    emitter.on('error', () => {});
    emitter.on('close', () => reject(new BrokerUnavailableError('the connection to RabbitMQ was lost')));
  };
  watch(connection);
  return { lost, watch };
}

/** A window has fewer letters than this in the half hour that RabbitMQ leaves them to a reader. */
const PLACES = 2 ** 32;
const placeOf = (index: number, deliveryTag: number) => (index * PLACES + deliveryTag) as LetterPlace;
const placeIn = (place: LetterPlace) => ({ index: Math.floor(place / PLACES), deliveryTag: place % PLACES });

function sender(channel: ConfirmChannel, lost: Promise<never>, userId: string | undefined): OpenDeadLetters['send'] {
  // A returned message names only its queue. If that queue is missing, it is missing for every message that is sent to
  // it.
  const missing = new Set<string>();
  channel.on('return', ({ fields }) => missing.add(fields.routingKey));
  return (queue, body, properties) =>
    inTime(
      new Promise<void>((resolve, reject) => {
        const named = { ...properties, ...namingPublisher(queue, userId), persistent: true, mandatory: true };
        channel.publish('', queue, body, named, (error) => {
          if (error) reject(new BrokerUnavailableError(`RabbitMQ did not take a message: ${safeMessage(error)}`));
          else if (missing.has(queue)) reject(new UnroutableError(`RabbitMQ has no queue ${queue}`));
          else resolve();
        });
      }),
      lost,
    );
}

async function inTime<T>(answer: PromiseLike<T>, lost: Promise<never>, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new BrokerUnavailableError(`RabbitMQ gave no answer within ${ANSWER_TIMEOUT_MS} ms`);
  });
  try {
    return await Promise.race([answer, lost, late]);
  } finally {
    late.catch(() => {});
    timer.abort();
  }
}

function asUnavailable(error: unknown): Error {
  if (error instanceof HealifyError) return error;
  const refusal = explainRefusal(error, leastRights.dlq);
  return new BrokerUnavailableError(refusal ?? `RabbitMQ: ${safeMessage(error)}`, { cause: error });
}
