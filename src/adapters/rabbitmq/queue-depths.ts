import type { Channel } from 'amqplib';
import type { Logger } from 'pino';
import { queueArguments } from '../../contracts/queues.ts';
import { keepChannel } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';

/** A queue, as RabbitMQ reports it. */
export interface QueueState {
  /** Messages that are ready to be delivered. */
  messages: number;
  consumers: number;
}

/** Reads the depths of our queues. Returns undefined while the broker is out of reach. */
export interface QueueDepths {
  /** How many messages are ready, for each queue. */
  read(): Promise<Record<string, number> | undefined>;
  states(): Promise<Record<string, QueueState> | undefined>;
  close(): Promise<void>;
}

export function createQueueDepths(options: { connection: BrokerConnection; logger: Logger }): QueueDepths {
  let channel: Channel | undefined;
  const keeper = keepChannel<Channel>({
    ...options,
    name: 'queue-depths',
    open: (model) => model.createChannel(),
    onOpen: (opened) => {
      channel = opened;
    },
    onLost: () => {
      channel = undefined;
    },
  });
  const states = async () => {
    const on = channel;
    if (!on) return undefined;
    try {
      const entries = await Promise.all(
        Object.keys(queueArguments).map(async (queue) => {
          const { messageCount, consumerCount } = await on.checkQueue(queue);
          return [queue, { messages: messageCount, consumers: consumerCount }] as const;
        }),
      );
      return Object.fromEntries(entries);
    } catch {
      return undefined;
    }
  };
  return {
    states,
    read: async () => {
      const seen = await states();
      return seen && Object.fromEntries(Object.entries(seen).map(([queue, { messages }]) => [queue, messages]));
    },
    close: () => keeper.close(),
  };
}
