import { type ConsumeMessage, connect, type GetMessage } from 'amqplib';
import { SIGNATURE_HEADER } from '../src/contracts/answer-signature.ts';
import type { ChatRequest } from '../src/contracts/chat-request.ts';
import type { ChatResponse } from '../src/contracts/chat-response.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import { signatures } from './signing.ts';
import { until } from './until.ts';

/** Takes requests as a worker does, and answers when the test says so. The queues must be there. */
export async function startStandInWorker(rabbitMqUrl: string) {
  const connection = await connect(rabbitMqUrl);
  const channel = await connection.createConfirmChannel();
  const deliveries: { request: ChatRequest; message: ConsumeMessage }[] = [];
  await channel.consume(REQUESTS_QUEUE, (message) => {
    if (!message) return;
    deliveries.push({ request: JSON.parse(message.content.toString()), message });
    channel.ack(message);
  });

  /** Signed as a worker signs, unless told otherwise. */
  const publishRaw = async (body: Buffer, headers: object = { [SIGNATURE_HEADER]: signatures.sign(body) }) => {
    channel.sendToQueue(RESPONSES_QUEUE, body, { persistent: true, headers });
    await channel.waitForConfirms();
  };
  const letters: GetMessage[] = [];

  return {
    deliveries,
    /** The delivery of this request, once it has come. */
    delivery: (requestId: string) =>
      until(`the request ${requestId}`, () => deliveries.find(({ request }) => request.requestId === requestId)),
    /** Answers a request. */
    answer: (request: Pick<ChatRequest, 'requestId' | 'sessionId' | 'userId'>, fields: Partial<ChatResponse> = {}) =>
      publishRaw(Buffer.from(JSON.stringify({ ...responseTo(request), ...fields }))),
    publishRaw,
    /** The dead letters of `chat_responses` so far. */
    deadLetters: async () => {
      for (;;) {
        const letter = await channel.get(deadLetterQueueOf(RESPONSES_QUEUE), { noAck: true });
        if (!letter) return letters;
        letters.push(letter);
      }
    },
    stop: () => connection.close(),
  };
}

export type StandInWorker = Awaited<ReturnType<typeof startStandInWorker>>;

/** An answer to this request, as the worker of another service may write it: without a signature. */
export const responseTo = ({
  requestId,
  sessionId,
  userId,
}: Pick<ChatRequest, 'requestId' | 'sessionId' | 'userId'>): ChatResponse => ({
  version: 1,
  requestId,
  sessionId,
  userId,
  status: 'completed',
  response: 'Eat your greens.',
  error: null,
  model: 'stand-in',
  provider: 'test',
  cached: false,
  usage: { promptTokens: 3, completionTokens: 4, totalTokens: 7, cost: null },
  finishReason: 'stop',
  attempts: 1,
  timings: { waitMs: 1, modelMs: 2, totalMs: 3 },
  completedAt: new Date().toISOString(),
});
