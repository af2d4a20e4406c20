import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import {
  BrokerUnavailableError,
  MessageRefusedError,
  UndeliverableReplyError,
  UnroutableError,
} from '../../contracts/errors.ts';
import { deadLetterHeaders, deadLetterQueueOf, RESPONSES_QUEUE } from '../../contracts/queues.ts';
import { isDirectReply, type ReplyAddress } from '../../contracts/reply-address.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { type BodySeals, plainBodies } from '../../contracts/sealing.ts';
import type { TraceHeaders } from '../../contracts/traceparent.ts';
import { encode, type PublishReply } from './chat-messages.ts';
import type { BrokerConnection } from './connection.ts';
import { sealLetter } from './dead-letters.ts';
import { sendable } from './message-properties.ts';
import type { Publisher } from './publisher.ts';
import { isNotFound } from './refusals.ts';

/** Publishes responses to requests that name a reply queue. */
export interface ReplyPublisher {
  /**
   * Sends a response to the request's reply queue, and resolves at the confirm. `amq.rabbitmq.reply-to` costs one more round
   * trip, to find out whether its consumer is still there.
   * @throws UndeliverableReplyError the queue is gone, or refuses the response
   * @throws BrokerUnavailableError as Publisher.publish does
   */
  publish: PublishReply;
  /**
   * Keeps a response that could not be delivered as a dead letter of `chat_responses`. Rejects as Publisher.publish
   * does.
   */
  keep(response: ChatResponse, trace: TraceHeaders, reply: ReplyAddress, why: UndeliverableReplyError): Promise<void>;
}

/**
 * @param options.bodies encrypts dead letters. Left out: they stay as they are
 * @param options.onDeadLetter called for each dead letter, to count it
 */
export function createReplyPublisher(options: {
  connection: BrokerConnection;
  publisher: Publisher;
  bodies?: BodySeals;
  onDeadLetter: (reason: UndeliverableReplyError['code']) => void;
}): ReplyPublisher {
  const { connection, publisher, bodies = plainBodies, onDeadLetter } = options;
  let model: ChannelModel | undefined;
  connection.onConnected((connected) => {
    model = connected;
  });

  const messageOf = (response: ChatResponse, trace: TraceHeaders, reply: ReplyAddress) => {
    const { body, properties } = encode(response, trace);
    const correlationId = reply.correlationId ?? response.requestId;
    return { body, headers: properties.headers, properties: sendable({ ...properties, correlationId }) };
  };

  return {
    publish: async (response, trace, reply) => {
      const { body, properties } = messageOf(response, trace, reply);
      const direct = isDirectReply(reply.to);
      if (direct && model) await mustHaveConsumer(model, reply.to);
      try {
        // RabbitMQ returns every mandatory message to a direct reply, even one that it has delivered.
        await publisher.publish(reply.to, body, { ...properties, mandatory: !direct });
      } catch (error) {
        if (error instanceof UnroutableError) throw gone();
        if (error instanceof MessageRefusedError) throw refused();
        throw error;
      }
    },
    keep: async (response, trace, reply, why) => {
      const { body: plain, headers: traced, properties } = messageOf(response, trace, reply);
      const { body, sealed } = await sealLetter(bodies, { body: plain });
      const headers = {
        ...sealed,
        ...traced,
        [deadLetterHeaders.reason]: why.code,
        [deadLetterHeaders.detail]: why.message,
        [deadLetterHeaders.at]: new Date().toISOString(),
        [deadLetterHeaders.queue]: reply.to,
      };
      await publisher.publish(deadLetterQueueOf(RESPONSES_QUEUE), body, { ...properties, headers });
      onDeadLetter(why.code);
    },
  };
}

const gone = () => new UndeliverableReplyError('reply_unroutable', 'The queue that reply_to names is not there.');
const refused = () => new UndeliverableReplyError('reply_refused', 'The queue that reply_to names took no message.');

const LOOK_TIMEOUT_MS = 5_000;

/**
 * Finds out whether somebody waits for a direct reply. Uses a channel of its own, because RabbitMQ closes the channel
 * if nobody does.
 * @throws UndeliverableReplyError nobody waits for the reply
 * @throws BrokerUnavailableError it cannot be found out. Then nothing may be sent, because a loss would not be noticed
 */
async function mustHaveConsumer(model: ChannelModel, reply: string): Promise<void> {
  const look = async () => {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    await channel.checkQueue(reply);
    void channel.close().catch(() => {});
  };
  // The wait has a limit, because a broker that is short of memory does not answer, and amqplib may not notice a lost
  // connection.
  const timer = new AbortController();
  const late = sleep(LOOK_TIMEOUT_MS, undefined, { ref: false, signal: timer.signal }).then(() => {
    throw new BrokerUnavailableError(`RabbitMQ gave no answer within ${LOOK_TIMEOUT_MS} ms`);
  });
  try {
    await Promise.race([look(), late]);
  } catch (error) {
    if (isNotFound(error)) throw gone();
    if (error instanceof BrokerUnavailableError) throw error;
    throw new BrokerUnavailableError(`RabbitMQ does not say whether somebody waits for a reply: ${safeMessage(error)}`);
  } finally {
    timer.abort();
  }
}
