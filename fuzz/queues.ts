import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import fc from 'fast-check';
import { MESSAGE_SIGNING_KEY } from '../chaos/stack.ts';
import { createAnswerSignatures, SIGNATURE_HEADER } from '../src/contracts/answer-signature.ts';
import { readChatRequest, UnreadableMessage } from '../src/contracts/chat-request.ts';
import { readChatResponse } from '../src/contracts/chat-response.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE, RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import { type FuzzMessage, requestMessages, responseMessages } from './messages.ts';

const BATCH = 1_000;
/** Nothing has moved for so long: it is over. Longer while something is missing, which a busy machine may still have. */
const QUIET_MS = { done: 5_000, missing: 30_000 };

export interface QueueFindings {
  sent: number;
  /** Requests that could be read, each with an id of its own: so many are answered. */
  readable: number;
  answered: number;
  answeredTwice: number;
  /** Messages that are in no dead-letter queue, though nobody could read them, byte for byte. */
  missing: number;
  /** Dead letters that nobody sent. */
  unexpected: number;
  left: number;
}

/**
 * Puts fuzzed messages on both queues, and accounts for each. No session asks for these answers, so that in the end the
 * answer to each readable request is among the dead letters of `chat_responses`, beside all that was put there.
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
  const deadRequests = new Multiset();
  const deadResponses = new Multiset();
  const readable = new Set<string>();

  for (let sent = 0; sent < messages; sent += BATCH) {
    const count = Math.min(BATCH, messages - sent);
    const batch = fc.sample(fc.tuple(fc.boolean(), requestMessages, responseMessages, fc.boolean()), {
      numRuns: count,
      seed: seed + sent,
    });
    for (const [toRequests, request, response, isSigned] of batch) {
      const { body, properties } = toRequests ? request : response;
      if (toRequests) channel.sendToQueue(REQUESTS_QUEUE, body, properties);
      else channel.sendToQueue(RESPONSES_QUEUE, body, isSigned ? signed(body, properties) : properties);
      if (!toRequests) deadResponses.add(body);
      else {
        const requestId = idOf(request);
        if (requestId === undefined) deadRequests.add(body);
        else readable.add(requestId);
      }
    }
    await channel.waitForConfirms();
    onProgress(sent + count);
  }

  const answers = new Map<string, number>();
  let unexpected = 0;
  let lastMoved = Date.now();
  const take = async (queue: typeof REQUESTS_QUEUE | typeof RESPONSES_QUEUE, expected: Multiset) => {
    await channel.prefetch(BATCH);
    await channel.consume(deadLetterQueueOf(queue), (letter) => {
      if (!letter) return;
      lastMoved = Date.now();
      if (!expected.remove(letter.content)) {
        const requestId = queue === RESPONSES_QUEUE ? answerIn(letter.content) : undefined;
        if (requestId !== undefined && readable.has(requestId))
          answers.set(requestId, (answers.get(requestId) ?? 0) + 1);
        else unexpected += 1;
      }
      channel.ack(letter);
    });
  };
  await take(REQUESTS_QUEUE, deadRequests);
  await take(RESPONSES_QUEUE, deadResponses);
  const isDone = () => deadRequests.size + deadResponses.size === 0 && answers.size === readable.size;
  while (Date.now() - lastMoved < QUIET_MS[isDone() ? 'done' : 'missing']) await sleep(200);
  let left = 0;
  for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE]) left += (await channel.checkQueue(queue)).messageCount;
  await connection.close();
  return {
    sent: messages,
    readable: readable.size,
    answered: answers.size,
    answeredTwice: [...answers.values()].filter((count) => count > 1).length,
    missing: deadRequests.size + deadResponses.size,
    unexpected,
    left,
  };
}

const signatures = createAnswerSignatures([MESSAGE_SIGNING_KEY]);
const signed = (body: Buffer, { headers, ...properties }: FuzzMessage['properties']) => ({
  ...properties,
  headers: { ...headers, [SIGNATURE_HEADER]: signatures.sign(body) },
});

/** The id that the request is known by; undefined where nobody can read it. */
function idOf({ body, properties }: FuzzMessage): string | undefined {
  try {
    const { messageId, contentEncoding } = properties;
    return readChatRequest({ body, messageId, contentEncoding }).requestId;
  } catch (error) {
    if (error instanceof UnreadableMessage) return undefined;
    throw error;
  }
}

function answerIn(body: Buffer): string | undefined {
  try {
    return readChatResponse({ body }).requestId;
  } catch {
    return undefined;
  }
}

class Multiset {
  #counts = new Map<string, number>();
  size = 0;

  add(body: Buffer): void {
    const key = hash(body);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.size += 1;
  }

  remove(body: Buffer): boolean {
    const key = hash(body);
    const count = this.#counts.get(key) ?? 0;
    if (count === 0) return false;
    this.#counts.set(key, count - 1);
    this.size -= 1;
    return true;
  }
}

const hash = (body: Buffer) => createHash('sha256').update(body).digest('base64');
