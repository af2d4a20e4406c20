import type { Channel } from 'amqplib';
import type { Logger } from 'pino';
import { queueArguments } from '../../contracts/queues.ts';
import { keepChannel } from './channel-keeper.ts';
import type { BrokerConnection } from './connection.ts';

/** Reads how many messages are ready in each of our queues; undefined while the broker is out of reach. */
export interface QueueDepths {
  read(): Promise<Record<string, number> | undefined>;
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
  return {
    read: async () => {
      const on = channel;
      if (!on) return undefined;
      try {
        const entries = await Promise.all(
          Object.keys(queueArguments).map(async (queue) => [queue, (await on.checkQueue(queue)).messageCount] as const),
        );
        return Object.fromEntries(entries);
      } catch {
        return undefined;
      }
    },
    close: () => keeper.close(),
  };
}
