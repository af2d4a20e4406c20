import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { closeInTime } from '../src/adapters/rabbitmq/close-in-time.ts';
import { openLetter } from '../src/bridge/redrive/open-letter.ts';
import {
  deadLetterHeaders,
  deadLetterQueueOf,
  REQUESTS_QUEUE,
  RESPONSES_QUEUE,
  type WorkQueue,
} from '../src/contracts/queues.ts';
import type { OwnBodySeals } from '../src/contracts/sealing.ts';
import type { DeadLetter } from './audit.ts';

const RETRY_MS = 500;

/**
 * Publishes a message that nobody can read, and waits for RabbitMQ's confirm.
 * @param rabbitMqUrls of all nodes, separated by commas
 */
export async function sendPoison(rabbitMqUrls: string, queue: WorkQueue, body: string): Promise<void> {
  for (;;) {
    try {
      const connection = await connect(anyOf(rabbitMqUrls));
      connection.on('error', () => {});
      try {
        const channel = await connection.createConfirmChannel();
        channel.on('error', () => {});
        channel.sendToQueue(queue, Buffer.from(body), { persistent: true });
        await channel.waitForConfirms();
        return;
      } finally {
        await closeInTime(connection.close());
      }
    } catch {
      await sleep(RETRY_MS);
    }
  }
}

function anyOf(urls: string): string {
  const all = urls.split(',');
  return all[Math.floor(Math.random() * all.length)]!;
}

/**
 * What is in the queues at the end: messages ready in the work queues, and all dead letters.
 * @param seals open encrypted letters
 */
export async function readQueues(
  rabbitMqUrls: string,
  seals: OwnBodySeals,
): Promise<{ waiting: number; deadLetters: DeadLetter[] }> {
  const connection = await connect(anyOf(rabbitMqUrls));
  const channel = await connection.createChannel();
  let waiting = 0;
  const deadLetters: DeadLetter[] = [];
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE] as const) {
    waiting += (await channel.checkQueue(queue)).messageCount;
    for (;;) {
      const letter = await channel.get(deadLetterQueueOf(queue), { noAck: true });
      if (!letter) break;
      const { content, properties } = openLetter(seals, letter) ?? letter;
      const at = Date.parse(String(properties.headers?.[deadLetterHeaders.at]));
      deadLetters.push({ body: content.toString(), at: at || 0 });
    }
  }
  await connection.close();
  return { waiting, deadLetters };
}
