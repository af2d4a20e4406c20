import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelModel, ConfirmChannel, ConsumeMessage, Options } from 'amqplib';
import { leastRights, lockOf } from '../../contracts/broker-rights.ts';
import { MAX_LETTERS_READ } from '../../contracts/dead-letters.ts';
import {
  BrokerUnavailableError,
  DeadLettersInUseError,
  HealifyError,
  UnroutableError,
} from '../../contracts/errors.ts';
import { deadLetterQueueOf, type WorkQueue } from '../../contracts/queues.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { closeInTime } from '../close-in-time.ts';
import { type BrokerAddress, connect, connectArguments } from './amqp-client.ts';
import { explainRefusal } from './refusals.ts';
import { declareTopology } from './topology.ts';

/**
 * A dead-letter queue in hand: its oldest letters were read, nobody else sees them, and those not removed are back in
 * their places after `close`, or when we die.
 */
export interface OpenDeadLetters {
  /** Letters read before the queue was taken over; letters that came since are given to `onLetter` only. */
  readonly read: number;
  /** Letters behind those. */
  readonly unread: number;
  /** Sends a persistent message to a queue; resolves at the confirm. Rejects as Publisher.publish does. */
  send(queue: string, body: Buffer, properties: Options.Publish): Promise<void>;
  /** Removes a letter for good, once RabbitMQ has heard of it: see `settled`. */
  remove(letter: Pick<ConsumeMessage, 'fields'>): void;
  /** Ends the reading, and resolves once every removal so far is certain. */
  settled(): Promise<void>;
  /** Messages that wait in the work queue, and consumers that take them. */
  workQueue(): Promise<{ waiting: number; consumers: number }>;
  close(): Promise<void>;
}

const ANSWER_TIMEOUT_MS = 15_000;
const BACK_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

/**
 * Takes a dead-letter queue over on a connection of its own, which it locks with a queue that only one connection can
 * have: quorum queues know no exclusive consumers.
 *
 * Letters are given back by closing the channel, never by a nack: then RabbitMQ puts them in front of all others in
 * their order, while it scatters what is nacked. That keeps the queue's order as long as whoever reads begins with all
 * that were given back before, therefore as many letters are taken each time, whatever is done with them.
 * @param options.onLetter each letter as it comes, oldest first; bodies are kept in memory only by whom they are given to
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
    // Lost, it ends the calls; without a listener it would end the process.
    connection.on('error', () => {});
    // Also makes sure that the queue is one whose letters may be given back any number of times.
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

    // Acknowledgements have no answer, and RabbitMQ hands no more than 32 at a time on to the queue: those it still has
    // when the channel closes are lost, and their letters come back. The queue answers a cancel after all it got before;
    // by the next answer the channel has handed on the rest.
    const settled = async () => {
      await inTime(channel.cancel(consumerTag), lost);
      for (let answers = 0; answers < 2; answers++) await inTime(channel.checkQueue(source), lost);
    };

    return {
      read,
      unread: messageCount - read,
      settled,
      send: sender(channel, lost),
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

async function connectOnce(address: BrokerAddress): Promise<ChannelModel> {
  const { url, options } = connectArguments(address, 'healify-chat dead letters');
  try {
    return await connect(url, options);
  } catch (error) {
    throw asUnavailable(error);
  }
}

/** Ends with the connection, however that ends. */
async function lock(connection: ChannelModel, name: string): Promise<void> {
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

function sender(channel: ConfirmChannel, lost: Promise<never>): OpenDeadLetters['send'] {
  // A queue that is missing is missing for all that is sent to it.
  const missing = new Set<string>();
  channel.on('return', ({ fields }) => missing.add(fields.routingKey));
  return (queue, body, properties) =>
    inTime(
      new Promise<void>((resolve, reject) => {
        channel.publish('', queue, body, { ...properties, persistent: true, mandatory: true }, (error) => {
          if (error) reject(new BrokerUnavailableError(`RabbitMQ did not take a message: ${safeMessage(error)}`));
          else if (missing.has(queue)) reject(new UnroutableError(`RabbitMQ has no queue ${queue}`));
          else resolve();
        });
      }),
      lost,
    );
}

/** What the next to look would not find otherwise. */
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
