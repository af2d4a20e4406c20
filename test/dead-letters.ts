import type { ConsumeMessage, Options } from 'amqplib';
import { deadLetterQueueOf, type WorkQueue } from '../src/contracts/queues.ts';
import type { QueueClient } from './queue-client.ts';
import { until } from './until.ts';

/** Puts numbered letters into a dead-letter queue, as they would be after they could not be read. */
export async function bury(
  client: QueueClient,
  queue: WorkQueue,
  letters: Iterable<number>,
  more: { reason?: string; ageMs?: number; properties?: Options.Publish } = {},
): Promise<void> {
  const { reason = 'invalid_message', ageMs = 0, properties = {} } = more;
  const headers = {
    'x-dead-letter-reason': reason,
    'x-dead-letter-detail': 'userId: is missing',
    'x-dead-letter-at': new Date(Date.now() - ageMs).toISOString(),
    'x-dead-letter-queue': queue,
    ...properties.headers,
  };
  for (const letter of letters) {
    client.channel.sendToQueue(deadLetterQueueOf(queue), Buffer.from(`letter ${letter}`), {
      persistent: true,
      messageId: `m-${letter}`,
      ...properties,
      headers,
    });
  }
  await client.channel.waitForConfirms();
}

/** Takes everything out of a queue, and gives the messages in their order. */
export async function drain(client: QueueClient, queue: string): Promise<ConsumeMessage[]> {
  const { messageCount } = await client.channel.checkQueue(queue);
  const messages: ConsumeMessage[] = [];
  const { consumerTag } = await client.channel.consume(queue, (message) => message && messages.push(message), {
    noAck: true,
  });
  await until(`${messageCount} messages of ${queue}`, () => messages.length >= messageCount);
  await client.channel.cancel(consumerTag);
  return messages;
}

export const numbersOf = (messages: ConsumeMessage[]) =>
  messages.map(({ content }) => Number(/^letter (\d+)$/.exec(content.toString())?.[1]));

export const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
