import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
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
import { type BrokerAddress, connect, connectOptions, nodeAddress } from './amqp-client.ts';
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
  remove(letter: Pick<ConsumeMessage, 'fields'>): void;
  /** Reads no more letters. Resolves once every removal so far is certain. */
  settled(): Promise<void>;
  /** How many messages wait in the work queue, and how many consumers take them. */
  workQueue(): Promise<{ waiting: number; consumers: number }>;
  close(): Promise<void>;
}

const ANSWER_TIMEOUT_MS = 15_000;
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
 * them.
 * @param options.onLetter is given each letter as it comes, the oldest first. Bodies are not kept in memory here
 * @throws DeadLettersInUseError
 * @throws BrokerUnavailableError
 */
export async function openDeadLetters(
  options: BrokerAddress & { queue: WorkQueue; onLetter: (letter: ConsumeMessage) => void },
): Promise<OpenDeadLetters> {
  const { queue, onLetter } = options;
  const source = deadLetterQueueOf(queue);
  const connection = await connectOnce(options);
  try {
    // A lost connection rejects the calls. Without a listener it would end the process.
    connection.on('error', () => {});
    // This also ensures that letters of the queue can be given back any number of times.
    await declareTopology(connection);
    const channel = await connection.createConfirmChannel();
    const lost = whenLost(connection, channel);
    await lock(connection, lockOf(queue));
    const { messageCount } = await inTime(channel.checkQueue(source), lost);
    const read = Math.min(messageCount, MAX_LETTERS_READ);
    let arrived = 0;
    let removed = 0;
    let lastArrival = performance.now();
    await channel.prefetch(MAX_LETTERS_READ);
    const take = channel.consume(source, (letter) => {
      if (!letter) return;
      arrived += 1;
      lastArrival = performance.now();
      onLetter(letter);
    });
    const { consumerTag } = await inTime(take, lost);
    while (arrived < read && performance.now() - lastArrival < ANSWER_TIMEOUT_MS)
      await Promise.race([sleep(POLL_MS), lost]);
    if (arrived < read) throw new BrokerUnavailableError('RabbitMQ does not deliver the letters');

    // RabbitMQ does not reply to acknowledgements, and its channel passes at most 32 of them at a time to the queue.
    // Those that the channel still has when it closes are lost, and their letters come back. The queue replies to a
    // cancel after everything that it got before. By the time of the next replies, the channel has passed on the rest.
    const settled = async () => {
      await inTime(channel.cancel(consumerTag), lost);
      for (let answers = 0; answers < 2; answers++) await inTime(channel.checkQueue(source), lost);
    };

    return {
      read,
      unread: messageCount - read,
      settled,
      send: sender(channel, lost, options.userId),
      remove: (letter) => {
        removed += 1;
        channel.ack(letter as ConsumeMessage);
      },
      workQueue: async () => {
        const { messageCount: waiting, consumerCount: consumers } = await inTime(channel.checkQueue(queue), lost);
        return { waiting, consumers };
      },
      close: async () => {
        await settled().catch(() => {});
        await closeInTime(channel.close());
        const back = untilBack(connection, source, arrived - removed).catch(() => {});
        await Promise.race([back, sleep(BACK_TIMEOUT_MS, undefined, { ref: false })]);
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

function whenLost(connection: ChannelModel, channel: ConfirmChannel): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    const end = () => reject(new BrokerUnavailableError('the connection to RabbitMQ was lost'));
    for (const emitter of [connection, channel]) {
      emitter.on('error', () => {});
      emitter.on('close', end);
    }
  });
  lost.catch(() => {});
  return lost;
}

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

/** Waits until the letters are back in their queue. Otherwise the next reader would not find them. */
async function untilBack(connection: ChannelModel, source: string, letters: number): Promise<void> {
  const channel = await connection.createChannel();
  while ((await channel.checkQueue(source)).messageCount < letters) await sleep(POLL_MS);
}

async function inTime<T>(answer: PromiseLike<T>, lost: Promise<never>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(ANSWER_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
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
