import type { Logger } from 'pino';
import type { ConversationStore, SettleOutcome } from '../../adapters/conversations/conversation-store.ts';
import { createBatchConsumer } from '../../adapters/rabbitmq/batch-consumer.ts';
import type { BrokerConnection } from '../../adapters/rabbitmq/connection.ts';
import type { DeadLetter } from '../../adapters/rabbitmq/dead-letters.ts';
import type { Delivery, Refusal } from '../../adapters/rabbitmq/settle-batch.ts';
import { type AnswerSignatures, SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { RESPONSES_QUEUE } from '../../contracts/queues.ts';
import { readChatResponse } from '../../contracts/read-chat-response.ts';
import { UnreadableMessage } from '../../contracts/read-message.ts';

const UNKNOWN_SESSION: Refusal = {
  reason: 'unknown_session',
  detail: 'no session of this user has asked for it',
};

export interface ResponseSettler {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Takes answers from `chat_responses`, writes them to sessions and history, and acknowledges them then: one round trip
 * to the store for a batch. What cannot be read, is not signed by one of us, or belongs to no session, goes to the
 * dead-letter queue.
 * @param options.signatures left out: there is no key, and every answer is taken
 * @param options.acceptUnsigned whether an answer without a signature is taken; one with a wrong signature never is
 * @param options.onSettled for each answer: what it did, and the answer
 */
export function createResponseSettler(options: {
  connection: BrokerConnection;
  conversations: Pick<ConversationStore, 'settle'>;
  signatures: Pick<AnswerSignatures, 'isValid'> | undefined;
  acceptUnsigned: boolean;
  /** What becomes of an answer that belongs to no session. */
  unknownSession: 'dead-letter' | 'drop';
  deadLetter: DeadLetter;
  prefetch: number;
  onSettled: (outcome: SettleOutcome, response: ChatResponse) => void;
  logger: Logger;
}): ResponseSettler {
  const {
    connection,
    conversations,
    signatures,
    acceptUnsigned,
    unknownSession,
    deadLetter,
    prefetch,
    onSettled,
    logger,
  } = options;

  function read(delivery: Delivery): ChatResponse {
    const response = readChatResponse(delivery);
    const signature: unknown = delivery.properties.headers?.[SIGNATURE_HEADER];
    if (signature === undefined && acceptUnsigned) return response;
    if (!signatures || signatures.isValid(delivery.body, signature)) return response;
    const detail = signature === undefined ? 'is missing' : 'is not that of any of our keys';
    throw new UnreadableMessage('invalid_signature', `the header ${SIGNATURE_HEADER} ${detail}`);
  }

  async function handle(responses: ChatResponse[]): Promise<(Refusal | undefined)[]> {
    const outcomes = await conversations.settle(responses);
    return outcomes.map((outcome, index) => {
      onSettled(outcome, responses[index]!);
      return outcome === 'unknown' && unknownSession === 'dead-letter' ? UNKNOWN_SESSION : undefined;
    });
  }

  return createBatchConsumer({
    connection,
    queue: RESPONSES_QUEUE,
    prefetch,
    read,
    handle,
    deadLetter,
    logger,
  });
}
