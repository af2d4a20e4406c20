import type { Logger } from 'pino';
import type { ConversationStore, SettleOutcome } from '../../adapters/conversations/conversation-store.ts';
import { createBatchConsumer } from '../../adapters/rabbitmq/batch-consumer.ts';
import type { BrokerConnection } from '../../adapters/rabbitmq/connection.ts';
import type { DeadLetter } from '../../adapters/rabbitmq/dead-letters.ts';
import type { GiveBack } from '../../adapters/rabbitmq/newer-messages.ts';
import { openFirst } from '../../adapters/rabbitmq/open-first.ts';
import type { Delivery, Refusal } from '../../adapters/rabbitmq/settle-batch.ts';
import { type AnswerSignatures, SIGNATURE_HEADER } from '../../contracts/answer-signature.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { RESPONSES_QUEUE, TRACEPARENT_HEADER } from '../../contracts/queues.ts';
import { receiveChatResponse } from '../../contracts/read-chat-response.ts';
import { UnreadableMessage } from '../../contracts/read-message.ts';
import type { Received } from '../../contracts/sealed-message.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Tracer } from '../../contracts/tracer.ts';

const UNKNOWN_SESSION: Refusal = {
  reason: 'unknown_session',
  detail: 'no session of this user has asked for it',
};

/** An answer as it was delivered. */
interface Answer {
  response: ChatResponse;
  traceparent: unknown;
}

export interface ResponseSettler {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Consumes `chat_responses`. Writes each answer to its session and the user's history, and acknowledges its message
 * only after that. A batch costs one round trip to the store. A message goes to the dead-letter queue if it cannot be
 * read, has no valid signature, or belongs to no session, unless its user was erased. A message of a newer version is given back to the queue.
 * @param options.signatures undefined: there is no key, so every answer is accepted
 * @param options.acceptUnsigned whether an answer without a signature is accepted; one with a wrong signature never is
 * @param options.unknownSession what happens to an answer that belongs to no session: it is kept as a dead letter, or
 * dropped
 * @param options.onSettled called for each answer, with the outcome, and with the trace context that came with it as it
 * came
 */
export function createResponseSettler(options: {
  connection: BrokerConnection;
  conversations: Pick<ConversationStore, 'settle' | 'isRefused'>;
  signatures: Pick<AnswerSignatures, 'isValid'> | undefined;
  acceptUnsigned: boolean;
  /** Opens the texts of answers that the workers have sealed. */
  seals: TextSeals;
  unknownSession: 'dead-letter' | 'drop';
  deadLetter: DeadLetter;
  giveBack: GiveBack;
  prefetch: number;
  onSettled: (outcome: SettleOutcome, response: ChatResponse, traceparent: unknown) => void;
  tracer?: Tracer | undefined;
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

  function read(delivery: Delivery): Received<Answer> {
    const { sealedFor, open, openErased } = readSigned(delivery);
    const traceparent: unknown = delivery.properties.headers?.[TRACEPARENT_HEADER];
    return {
      sealedFor,
      open: (own) => ({ response: open(own), traceparent }),
      openErased: () => ({ response: openErased(), traceparent }),
    };
  }

  function readSigned(delivery: Delivery): Received<ChatResponse> {
    const response = receiveChatResponse(delivery);
    const signature: unknown = delivery.properties.headers?.[SIGNATURE_HEADER];
    if (signature === undefined && acceptUnsigned) return response;
    if (!signatures || signatures.isValid(delivery.body, signature)) return response;
    const detail = signature === undefined ? 'is missing' : 'is not that of any of our keys';
    throw new UnreadableMessage('invalid_signature', `the header ${SIGNATURE_HEADER} ${detail}`);
  }

  async function handle(answers: Answer[]): Promise<(Refusal | undefined)[]> {
    const outcomes = await conversations.settle(answers.map(({ response }) => response));
    return await Promise.all(
      outcomes.map(async (outcome, index) => {
        const { response, traceparent } = answers[index]!;
        onSettled(outcome, response, traceparent);
        return outcome === 'unknown' && (await isKept(response)) ? UNKNOWN_SESSION : undefined;
      }),
    );
  }

  /** Of an erased user, nothing is kept. */
  const isKept = async ({ userId }: ChatResponse) =>
    unknownSession === 'dead-letter' && !(await conversations.isRefused(userId));

  return createBatchConsumer({
    connection,
    queue: RESPONSES_QUEUE,
    prefetch,
    read,
    handle: openFirst({ seals: options.seals, isErased: conversations.isRefused }, handle),
    deadLetter,
    giveBack: options.giveBack,
    tracer: options.tracer,
    logger,
  });
}
