import type { Logger } from 'pino';
import type { HistoryStore, SettleOutcome } from '../../adapters/history/history-store.ts';
import { createBatchConsumer, type Delivery } from '../../adapters/rabbitmq/batch-consumer.ts';
import type { BrokerConnection } from '../../adapters/rabbitmq/connection.ts';
import type { DeadLetter } from '../../adapters/rabbitmq/dead-letters.ts';
import { type AnswerSignatures, SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import { UnreadableMessage } from '../../contracts/chat-request.ts';
import { type ChatResponse, readChatResponse } from '../../contracts/chat-response.ts';
import { RESPONSES_QUEUE } from '../../contracts/queues.ts';

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
  history: Pick<HistoryStore, 'settle'>;
  signatures: Pick<AnswerSignatures, 'isValid'> | undefined;
  acceptUnsigned: boolean;
  deadLetter: DeadLetter;
  prefetch: number;
  onSettled: (outcome: SettleOutcome, response: ChatResponse) => void;
  logger: Logger;
}): ResponseSettler {
  const { connection, history, signatures, acceptUnsigned, deadLetter, prefetch, onSettled, logger } = options;

  function read(delivery: Delivery): ChatResponse {
    const response = readChatResponse(delivery);
    const signature: unknown = delivery.properties.headers?.[SIGNATURE_HEADER];
    if (signature === undefined && acceptUnsigned) return response;
    if (!signatures || signatures.isValid(delivery.body, signature)) return response;
    const detail = signature === undefined ? 'is missing' : 'is not that of any of our keys';
    throw new UnreadableMessage('invalid_signature', `the header ${SIGNATURE_HEADER} ${detail}`);
  }

  async function handle(deliveries: Delivery[]): Promise<void> {
    const readable: { delivery: Delivery; response: ChatResponse }[] = [];
    const aside: Parameters<DeadLetter>[] = [];
    for (const delivery of deliveries) {
      try {
        readable.push({ delivery, response: read(delivery) });
      } catch (error) {
        if (!(error instanceof UnreadableMessage)) throw error;
        aside.push([delivery, error.reason, error.message]);
      }
    }
    const outcomes = readable.length > 0 ? await history.settle(readable.map(({ response }) => response)) : [];
    outcomes.forEach((outcome, index) => {
      const { delivery, response } = readable[index]!;
      onSettled(outcome, response);
      if (outcome === 'unknown') {
        aside.push([delivery, 'unknown_session', 'no session of this user has asked for it']);
      }
    });
    await Promise.all(aside.map((letter) => deadLetter(...letter)));
  }

  return createBatchConsumer({
    connection,
    queue: RESPONSES_QUEUE,
    prefetch,
    handle,
    deadLetter: (delivery) => deadLetter(delivery, 'handler_failed', 'the message could not be handled'),
    logger,
  });
}
