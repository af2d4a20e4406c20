import { afterAll } from '@jest/globals';
import { type ChannelModel, connect, type GetMessage, type Options } from 'amqplib';
import { declareTopology } from '../src/adapters/rabbitmq/topology.ts';
import type { ChatResponse } from '../src/contracts/chat-response.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import { readChatResponse } from '../src/contracts/read-chat-response.ts';
import { until } from './until.ts';

const connections: ChannelModel[] = [];

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close().catch(() => {})));
});

/** A service on the other side of the queues, which this declares. Its connection ends with the test file. */
export async function startQueueClient(rabbitMqUrl: string) {
  const connection = await connect(rabbitMqUrl);
  connection.on('error', () => {});
  connections.push(connection);
  await declareTopology(connection);
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  const responses: ChatResponse[] = [];
  let reading: Promise<unknown> | undefined;

  return {
    channel,
    /** Every answer so far, in the order in which it came; reading begins with `readResponses`. */
    responses,
    readResponses: async () => {
      reading ??= channel.consume(RESPONSES_QUEUE, (message) => {
        if (!message) return;
        responses.push(readChatResponse({ body: message.content }));
        channel.ack(message);
      });
      await reading;
    },
    /** Sends requests, and waits until RabbitMQ has them. */
    ask: async (...requests: object[]) => {
      for (const request of requests) channel.sendToQueue(REQUESTS_QUEUE, Buffer.from(JSON.stringify(request)));
      await channel.waitForConfirms();
    },
    /** Sends bytes as they are, and waits until RabbitMQ has them. */
    send: async (queue: string, body: Buffer, properties: Options.Publish = {}) => {
      channel.sendToQueue(queue, body, properties);
      await channel.waitForConfirms();
    },
    /** Takes the next message of a queue, once there is one. */
    take: async (queue: string, deadlineMs?: number): Promise<GetMessage> =>
      await until(`a message on ${queue}`, () => channel.get(queue, { noAck: true }), deadlineMs),
    /** The answer to a request, once it has come. */
    responseTo: (requestId: string, deadlineMs = 30_000) =>
      until(`the answer to ${requestId}`, () => responses.find((entry) => entry.requestId === requestId), deadlineMs),
    /** How many messages of a queue are ready, that is, not delivered to a consumer. */
    depth: async (queue: string) => (await channel.checkQueue(queue)).messageCount,
    /** How many consumers a queue has. */
    consumers: async (queue: string) => (await channel.checkQueue(queue)).consumerCount,
  };
}

export type QueueClient = Awaited<ReturnType<typeof startQueueClient>>;
