import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfirmChannel, connect, type Message, type Options } from 'amqplib';
import fc from 'fast-check';
import {
  deadLetterHeaders,
  deadLetterQueueOf,
  NEWER_SINCE_HEADER,
  REQUESTS_QUEUE,
  RESPONSES_QUEUE,
} from '../src/contracts/queues.ts';
import { answerIn, type Fate, fateOfRequest, Multiset, reasonOfResponse, signed } from './expected.ts';
import { REPLY_QUEUE, requestMessages, responseMessages, signings } from './messages.ts';

const BATCH = 1_000;
/**
 * The run ends if nothing has changed for this long. The time is longer while something is missing, because the machine
 * may be busy.
 */
const QUIET_MS = { done: 5_000, missing: 30_000 };

export interface QueueFindings {
  sent: number;
  /** How many requests with different ids could be read. Each gets one answer. */
  readable: number;
  answered: number;
  /** How many of these answers are in the reply queue. */
  replied: number;
  answeredTwice: number;
  /** Answers that went to another place than the request names, or have another correlation id. */
  misdelivered: number;
  /** Unreadable messages that are not in the dead-letter queue, byte for byte and with the right reason. */
  missing: number;
  /** Dead letters that nobody sent, or with another reason. */
  unexpected: number;
  left: number;
}

/**
 * Publishes fuzzed messages to both queues, and checks how each of them ended. These questions belong to no session. So
 * the answer to each readable request ends in its reply queue or among the dead letters of `chat_responses`. All fuzzed
 * answers also end among these dead letters.
 */
export async function fuzzQueues(options: {
  rabbitMqUrl: string;
  messages: number;
  seed: number;
  onProgress: (sent: number) => void;
}): Promise<QueueFindings> {
  const { rabbitMqUrl, messages, seed, onProgress } = options;
  const connection = await connect(rabbitMqUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(REPLY_QUEUE, { durable: true });
  const dead = { [REQUESTS_QUEUE]: new Multiset(), [RESPONSES_QUEUE]: new Multiset() };
  /** By request id. Messages with the same id are one request, and any of them may have come first. */
  const fates = new Map<string, Fate[]>();

  for (let sent = 0; sent < messages; sent += BATCH) {
    const count = Math.min(BATCH, messages - sent);
    const one = fc.tuple(fc.boolean(), requestMessages, responseMessages, signings);
    for (const [toRequests, request, response, signing] of fc.sample(one, { numRuns: count, seed: seed + sent })) {
      if (toRequests) {
        const fate = fateOfRequest(request);
        const reason = 'reason' in fate ? fate.reason : '';
        channel.sendToQueue(REQUESTS_QUEUE, request.body, waitedLong(request.properties, reason));
        if ('reason' in fate) dead[REQUESTS_QUEUE].add(request.body, reason);
        else fates.set(fate.requestId, [...(fates.get(fate.requestId) ?? []), fate]);
      } else {
        const reason = reasonOfResponse(response, signing);
        channel.sendToQueue(RESPONSES_QUEUE, response.body, waitedLong(signed(response, signing), reason));
        dead[RESPONSES_QUEUE].add(response.body, reason);
      }
    }
    await channel.waitForConfirms();
    onProgress(sent + count);
  }

  const answers = new Map<string, number>();
  let [replied, misdelivered, unexpected, lastMoved] = [0, 0, 0, Date.now()];
  /** Whether the message is the answer to one of our requests. */
  const isAnswer = (message: Message, place: string): boolean => {
    const requestId = answerIn(message.content)?.requestId;
    const wanted = requestId === undefined ? undefined : fates.get(requestId);
    if (!requestId || !wanted) return false;
    answers.set(requestId, (answers.get(requestId) ?? 0) + 1);
    if (place === 'replied') replied += 1;
    const { correlationId } = message.properties;
    if (!wanted.some((fate) => 'place' in fate && fate.place === place && fate.correlationId === correlationId)) {
      misdelivered += 1;
    }
    return true;
  };
  const take = (queue: string, isExpected: (message: Message) => boolean) =>
    takeAll(channel, queue, (message) => {
      lastMoved = Date.now();
      if (!isExpected(message)) unexpected += 1;
    });
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE] as const) {
    await take(deadLetterQueueOf(queue), (message) => {
      const reason = String(message.properties.headers?.[deadLetterHeaders.reason]);
      return dead[queue].remove(message.content, reason) || isAnswer(message, reason);
    });
  }
  await take(REPLY_QUEUE, (message) => isAnswer(message, 'replied'));

  const missing = () => dead[REQUESTS_QUEUE].size + dead[RESPONSES_QUEUE].size;
  const isDone = () => missing() === 0 && answers.size === fates.size;
  while (Date.now() - lastMoved < QUIET_MS[isDone() ? 'done' : 'missing']) await sleep(200);
  let left = 0;
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE]) left += (await channel.checkQueue(queue)).messageCount;
  await connection.close();
  return {
    sent: messages,
    readable: fates.size,
    answered: answers.size,
    replied,
    answeredTwice: [...answers.values()].filter((count) => count > 1).length,
    misdelivered,
    missing: missing(),
    unexpected,
    left,
  };
}

/** A message of a newer version would stay in its queue for an hour. So it comes as one that has waited for longer. */
const waitedLong = (properties: Options.Publish, reason: string): Options.Publish =>
  reason === 'newer_version'
    ? { ...properties, headers: { ...properties.headers, [NEWER_SINCE_HEADER]: new Date(0).toISOString() } }
    : properties;

async function takeAll(channel: ConfirmChannel, queue: string, take: (message: Message) => void): Promise<void> {
  await channel.prefetch(BATCH);
  await channel.consume(queue, (message) => {
    if (!message) return;
    take(message);
    channel.ack(message);
  });
}
