import type { Channel, ConsumeMessage } from 'amqplib';

/** Whether amqplib refused a call because the channel, or its connection, is closing or closed. */
export const isClosing = (error: unknown): boolean => error instanceof Error && error.name === 'IllegalOperationError';

/**
 * Acknowledges a message. A connection begins to close before its channels are told. Until then, the channel refuses
 * acknowledgements. RabbitMQ delivers the message again, as after any lost channel.
 * @param options.upTo also acknowledges all messages that were delivered before it
 */
export function acknowledge(channel: Channel, message: ConsumeMessage, options: { upTo?: boolean } = {}): void {
  try {
    channel.ack(message, options.upTo);
  } catch (error) {
    if (!isClosing(error)) throw error;
  }
}
