import type { ConfirmChannel, Options } from 'amqplib';
import type { Logger } from 'pino';
import { BrokerUnavailableError, MessageRefusedError, UnroutableError } from '../../contracts/errors.ts';
import { queueArguments } from '../../contracts/queues.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { isClosing } from './acknowledge.ts';
import { keepChannel } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';
import { namingPublisher } from './message-properties.ts';
import { QUEUE_REMEDY } from './queue-remedy.ts';

export interface Publisher {
  /** Whether a message would be sent now. If not, it is rejected at once. */
  readonly ready: boolean;
  /** @throws BrokerUnavailableError if a message would be rejected at once */
  assertReady(): void;
  /**
   * Sends a persistent message to a queue and waits for the broker's confirm. The message is mandatory unless the
   * properties say otherwise. Simultaneous calls share a write to the socket, and may share a confirm.
   * @throws BrokerUnavailableError at once if there is no connection or it is blocked; later if there is no confirm in
   * time, and then the broker may have the message nevertheless
   * @throws MessageRefusedError the queue refused the message; it is a BrokerUnavailableError as well
   * @throws UnroutableError there is no such queue
   */
  publish(queue: string, body: Buffer, properties: Options.Publish): Promise<void>;
  close(): Promise<void>;
}

interface Pending {
  queue: string;
  /** ms of the monotonic clock */
  sentAt: number;
  returned: boolean;
  reject: (error: Error) => void;
}

/** How long a missing confirm is reported. Without further messages, nothing can show that the queue works again. */
const UNCONFIRMED_MS = 30_000;
const unconfirmedText = (queue: string) =>
  `RabbitMQ confirms no message for ${queue}, though it is connected: the queue may not run. ${QUEUE_REMEDY}`;

/**
 * Finds out whether we may publish. If the user has the right, RabbitMQ confirms a message that no queue takes, and
 * drops it.
 */
const mayPublish = (channel: ConfirmChannel) =>
  new Promise<void>((resolve) => {
    channel.publish('', 'healify-chat.no-queue', Buffer.alloc(0), {}, () => resolve());
  });

/**
 * If one of our queues has refused every message for this long, the channel is opened anew. A queue of ours has no maximum length,
 * so it has no reason to refuse. But after a queue's leader had been killed, a channel of RabbitMQ 3.10 refused everything for a
 * minute and longer.
 */
const REFUSING_MS = 2_000;
/** An operator's policy may limit a queue after all. So a channel is not opened anew more often than this. */
const REOPEN_EVERY_MS = 10_000;

/** Whether the queue refused a message. Otherwise the channel was lost, and the broker may have the message. */
const isNack = (error: unknown): boolean => error instanceof Error && error.message === 'message nacked';

const SWEEP_MS = 100;
const NOT_CONNECTED = 'RabbitMQ is not connected';
const BLOCKED = 'RabbitMQ is short of memory or disk and takes no messages';

/** @param options.timeoutMs how long to wait for a confirm */
export function createPublisher(options: {
  connection: BrokerConnection;
  timeoutMs: number;
  logger: Logger;
}): Publisher {
  const { connection, timeoutMs, logger } = options;
  let channel: ConfirmChannel | undefined;
  // In the order of sending. So a check for timeouts can stop at the first message that still has time.
  const pending = new Set<Pending>();
  /** Our queues whose latest message was not confirmed in time. */
  const unconfirmed = new Set<string>();
  /** Since when each of our queues has refused every message, in ms of the monotonic clock. */
  const refusingSince = new Map<string, number>();
  let reopenedAt = Number.NEGATIVE_INFINITY;

  const keeper = keepChannel<ConfirmChannel>({
    connection,
    name: 'publisher',
    logger,
    open: (model) => model.createConfirmChannel(),
    onOpen: (opened) => {
      opened.on('return', (message) => {
        // A returned message does not say which one it is. But its queue is missing for every message that was sent
        // there.
        for (const entry of pending) if (entry.queue === message.fields.routingKey) entry.returned = true;
      });
      channel = opened;
      return mayPublish(opened);
    },
    onLost: () => {
      channel = undefined;
      refusingSince.clear();
    },
  });

  /** Only our own queues are reported. The queue of another service is not our concern. */
  const reportUnconfirmed = (queue: string) => {
    if (!Object.hasOwn(queueArguments, queue)) return;
    unconfirmed.add(queue);
    connection.troubles.report(`confirms of ${queue}`, unconfirmedText(queue), UNCONFIRMED_MS);
  };

  /** Returns the channel on which messages are sent now. */
  function openChannel(): ConfirmChannel {
    if (connection.state === 'blocked') throw new BrokerUnavailableError(BLOCKED);
    if (!channel || connection.state !== 'connected') throw new BrokerUnavailableError(NOT_CONNECTED);
    return channel;
  }

  const noteRefusal = (queue: string) => {
    if (!channel || !Object.hasOwn(queueArguments, queue)) return;
    const now = performance.now();
    const since = refusingSince.get(queue) ?? now;
    refusingSince.set(queue, since);
    if (now - since < REFUSING_MS || now - reopenedAt < REOPEN_EVERY_MS) return;
    reopenedAt = now;
    logger.warn({ queue }, 'RabbitMQ refuses every message on this channel; opening another one');
    void keeper.reopen();
  };

  const sweep = setInterval(() => {
    const oldest = performance.now() - timeoutMs;
    for (const entry of pending) {
      // A broker says that it is blocked only after it was sent a message, which it then does not read.
      const blocked = connection.state === 'blocked';
      if (!blocked && entry.sentAt > oldest) break;
      pending.delete(entry);
      if (!blocked) reportUnconfirmed(entry.queue);
      entry.reject(new BrokerUnavailableError(blocked ? BLOCKED : `RabbitMQ gave no confirm within ${timeoutMs} ms`));
    }
  }, SWEEP_MS);
  sweep.unref();

  return {
    get ready() {
      return channel !== undefined && connection.state === 'connected';
    },
    assertReady: () => void openChannel(),
    publish: (queue, body, properties) =>
      new Promise((resolve, reject) => {
        const open = openChannel();
        const entry: Pending = { queue, sentAt: performance.now(), returned: false, reject };
        const onConfirm = (error: unknown) => {
          pending.delete(entry);
          if (unconfirmed.size > 0 && unconfirmed.delete(queue)) connection.troubles.clear(`confirms of ${queue}`);
          const refused = isNack(error);
          if (refused) noteRefusal(queue);
          else if (refusingSince.size > 0) refusingSince.delete(queue);
          const problem = error ? `RabbitMQ did not take a message: ${safeMessage(error)}` : '';
          if (refused) reject(new MessageRefusedError(problem));
          else if (error) reject(new BrokerUnavailableError(problem));
          else if (entry.returned) reject(new UnroutableError(`RabbitMQ has no queue ${queue}`));
          else resolve();
        };
        try {
          const named = {
            mandatory: true,
            ...properties,
            ...namingPublisher(queue, connection.userId),
            persistent: true,
          };
          open.publish('', queue, body, named, onConfirm);
        } catch (error) {
          // The channel is closing. Any other error means that the message cannot be encoded.
          throw isClosing(error) ? new BrokerUnavailableError(NOT_CONNECTED) : error;
        }
        pending.add(entry);
      }),
    close: async () => {
      clearInterval(sweep);
      await keeper.close();
    },
  };
}
